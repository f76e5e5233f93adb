"""Knows when start-up and each invocation end: by the runtime client's request for the next one.

The report is written before that request, when the answer has been sent, so it adds nothing to the answer's time.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock, get_native_id
from os import environ, register_at_fork
from posix import getpid, stat
from time import monotonic, sleep
from typing import Any, Callable

from probe_layer.probe import Probe
from probe_layer.threads import start_quietly

CLIENT = "awslambdaric.lambda_runtime_client"
_INTERVAL = 0.15  # seconds between two looks at the kernel's queue, which holds 16,384 events
_START_UP = 10.0  # seconds that Lambda gives it
_PATIENCE = 2.0  # seconds between two reports when no request for an invocation is ever seen
_EARLY = {"awslambdaric", "simplejson", "snapshot_restore_py", *getattr(sys, "stdlib_module_names", ())}
"""What a runtime imports before the function's code runs."""


class Runtime:
    """The runtime around the function, and what the probe does at each of its turns."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._pid = getpid()
        self._request: str | None = None
        self._phase = "start"
        self.is_followed = False
        self._awaits_workers = "AWS_LAMBDA_MAX_CONCURRENCY" in environ
        self._stop = allocate_lock()
        self._thread = 0

    def get_ready(self) -> None:
        """The function's own code comes next: every witness is at work."""
        self._probe.get_ready()

    # -- turns ---------------------------------------------------------------------------------------------------

    def ended(self) -> None:
        """Start-up or an invocation has ended."""
        if getpid() == self._pid:
            self._probe.report(self._phase, self._request, True)
        elif self._phase == "invoke":
            self._probe.count_answer()
        self._phase, self._request = "idle", None

    def began(self, request: str | None) -> None:
        """The next invocation has come."""
        self._probe.report("idle", None)
        self._phase, self._request = "invoke", request
        self.start_thread()

    def exiting(self) -> None:
        """The interpreter ends: what is left is reported."""
        self._check()
        self._probe.report(self._phase, self._request)

    def _check(self) -> None:
        """A runtime whose client was never seen tells of no request."""
        if not self.is_followed:
            self.is_followed = True
            self._probe.faults.add("runtime-unknown")

    # -- the thread ----------------------------------------------------------------------------------------------

    def start_thread(self) -> None:
        """Begin to empty the kernel's queue again and again."""
        if not self._thread and getpid() == self._pid:
            self._stop.acquire(False)
            self._thread = -1
            start_quietly(self._run)

    def watch_forks(self) -> None:
        """CPython from 3.12 warns when a process with threads forks: there the thread ends before, and begins again."""
        if sys.version_info >= (3, 12):
            register_at_fork(before=self.stop_thread, after_in_parent=self.start_thread)
        if self._awaits_workers:
            register_at_fork(after_in_parent=self._forked)

    def _forked(self) -> None:
        self._awaits_workers = False

    def stop_thread(self) -> None:
        """End it, and wait until the kernel counts it no more."""
        if not self._thread or getpid() != self._pid:
            return
        if self._stop.locked():
            self._stop.release()
        for _ in range(1000):
            sleep(0.00002)  # it may not have begun to run yet
            if self._thread > 0 and not _is_there("/proc/self/task/%d" % self._thread):
                break
        self._thread = 0

    def _run(self) -> None:
        self._thread = get_native_id()
        began = last = monotonic()
        while not self._stop.acquire(True, _INTERVAL):
            self._probe.drain()
            if self._phase == "start" and monotonic() - last > _PATIENCE:
                last = monotonic()
                if self._awaits_workers:  # they come another way (a fork server), and nobody counts what they answer
                    self._awaits_workers = self.is_followed = False
                    self._check()
                if last - began > _START_UP:
                    self._check()
                self._probe.report_workers()


def _is_there(path: str) -> bool:
    try:
        stat(path)
    except OSError:
        return False
    return True


class ClientHook:
    """A finder that waits for the runtime client's module, puts the probe around it, and goes."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def install(self) -> None:
        """Waits for the module, or takes it as it is where something has loaded it already."""
        if CLIENT in sys.modules:
            self._runtime.get_ready()
            self._wrap_all(sys.modules[CLIENT])
        else:
            sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The module's own spec, with a loader that adds to what it has loaded."""
        if name.partition(".")[0] not in _EARLY:
            self._runtime.get_ready()
        if name != CLIENT:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self._follow(spec.loader)
                return spec
        return None

    def _follow(self, loader: Any) -> None:
        load = loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            self._runtime.get_ready()
            self._wrap_all(module)

        loader.exec_module = exec_module

    def _wrap_all(self, module: Any) -> None:
        for value in vars(module).values():
            if isinstance(value, type):
                self._wrap(value)

    def _wrap(self, client: Any) -> None:
        for name, wrapped in (("wait_next_invocation", self._waiting), ("restore_next", self._restoring)):
            if name in vars(client):
                self._runtime.is_followed = True
                setattr(client, name, wrapped(vars(client)[name]))

    def _waiting(self, wait: Callable[..., Any]) -> Callable[..., Any]:
        runtime = self._runtime

        def wait_next_invocation(*args: Any, **kwargs: Any) -> Any:
            runtime.ended()
            request = wait(*args, **kwargs)
            runtime.began(getattr(request, "invoke_id", None))
            return request

        return wait_next_invocation

    def _restoring(self, restore: Callable[..., Any]) -> Callable[..., Any]:
        probe = self._runtime._probe

        def restore_next(*args: Any, **kwargs: Any) -> Any:
            probe.report("start", None, True)
            result = restore(*args, **kwargs)
            probe.renew()
            return result

        return restore_next
