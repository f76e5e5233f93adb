"""The sandboxes there are: kept warm, used one invocation at a time, replaced when the function changed."""

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path

from deployer.local.sandbox.deployment import Deployment
from deployer.local.sandbox.instance import Answer, Instance, Limits
from deployer.local.sandbox.runtime_api import Invocation

Make = Callable[[Deployment, Path], Instance]
"""Makes a sandbox in a folder of its own."""


class Pool:
    """Every sandbox of one server.

    Args:
        folder: their folders go below it.
        make: makes one.
        limits: how long an idle one stays.
    """

    def __init__(self, folder: Path, make: Make, limits: Limits) -> None:
        self._folder, self._make, self._limits = folder, make, limits
        self._lock = threading.Lock()
        self._idle: list[tuple[Instance, Path, float]] = []
        self._busy: dict[str, Instance] = {}
        self._made = 0
        self._closing = threading.Event()
        self._reaper = threading.Thread(target=self._reap, daemon=True)
        self._reaper.start()

    def submit(self, deployment: Deployment, call: Invocation) -> "Future[Answer]":
        """Run an invocation in a sandbox of its own, a warm one if there is one."""
        future: Future[Answer] = Future()
        threading.Thread(target=self._serve, args=(deployment, call, future), daemon=True).start()
        return future

    def running(self, deployment: Deployment) -> int:
        """Return how many invocations of the function are in progress, of whatever version."""
        with self._lock:
            return sum(busy.deployment.key[:3] == deployment.key[:3] for busy in self._busy.values())

    def close(self) -> None:
        """End every sandbox; none is made afterwards."""
        self._closing.set()
        self._reaper.join()
        while instances := self._take_all():
            for instance in instances:
                instance.end()
            time.sleep(0.01)  # a busy one may just have started its runtime: look again

    def retire(self, account: str, region: str, name: str) -> None:
        """End the idle sandboxes of a function that was deleted."""
        with self._lock:
            gone = [item for item in self._idle if item[0].deployment.key[:3] == (account, region, name)]
            self._idle = [item for item in self._idle if item not in gone]
        for instance, folder, _ in gone:
            discard(instance, folder)

    def _take_all(self) -> list[Instance]:
        with self._lock:
            instances = [instance for instance, _, _ in self._idle] + list(self._busy.values())
            self._idle.clear()
        return instances

    def _serve(self, deployment: Deployment, call: Invocation, future: "Future[Answer]") -> None:
        def settle(answer: Answer) -> None:
            with suppress(InvalidStateError):  # given early
                future.set_result(answer)

        try:
            instance, folder = self._acquire(deployment)
            try:
                answer = instance.serve(call, settle)
            finally:
                self._release(instance, folder)
            settle(answer)
        except Exception as error:
            with suppress(InvalidStateError):
                future.set_exception(error)

    def _acquire(self, deployment: Deployment) -> tuple[Instance, Path]:
        with self._lock:
            stale = [item for item in self._idle if outdated(item[0], deployment)]
            self._idle = [item for item in self._idle if not outdated(item[0], deployment)]
            warm = next((item for item in self._idle if item[0].deployment == deployment), None)
            if warm:
                self._idle.remove(warm)
                self._busy[warm[0].name] = warm[0]
            self._made += 1
            folder = self._folder / str(self._made)
        for instance, old, _ in stale:
            discard(instance, old)
        if warm:
            return warm[0], warm[1]
        instance = self._make(deployment, folder)
        with self._lock:
            if self._closing.is_set():
                raise RuntimeError("The server is stopping.")
            self._busy[instance.name] = instance
        return instance, folder

    def _release(self, instance: Instance, folder: Path) -> None:
        with self._lock:
            del self._busy[instance.name]
            self._idle.insert(0, (instance, folder, time.monotonic()))

    def _reap(self) -> None:
        while not self._closing.wait(min(1.0, self._limits.idle)):
            with self._lock:
                oldest = time.monotonic() - self._limits.idle
                expired = [item for item in self._idle if item[2] < oldest]
                self._idle = [item for item in self._idle if item[2] >= oldest]
            for instance, folder, _ in expired:
                discard(instance, folder)


def outdated(instance: Instance, deployment: Deployment) -> bool:
    """Return whether a sandbox is of the same function and version, but from before its last update."""
    return instance.deployment.key == deployment.key and instance.deployment.revision != deployment.revision


def discard(instance: Instance, folder: Path) -> None:
    """End a sandbox and remove its folder."""
    instance.end()
    shutil.rmtree(folder, ignore_errors=True)
