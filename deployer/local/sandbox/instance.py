"""One sandbox's life: started once, asked many times, restarted in its place after a crash, /tmp and all.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html.
"""

import json
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from deployer.local.sandbox import lines
from deployer.local.sandbox.deployment import Deployment
from deployer.local.sandbox.environment import function_environment
from deployer.local.sandbox.logs import LogsBackend, LogStream, Output
from deployer.local.sandbox.runtime_api import Answered, Ended, Event, Invocation, Ready, RuntimeApi, StartFailed
from deployer.local.sandbox.sandbox import Contents, Isolation, Launcher, Runtime

GRACE: Final = 0.5
"""Seconds that an answer waits for the runtime to ask for the next invocation, so that its last lines are there."""


@dataclass(frozen=True)
class Limits:
    """What may be set for tests; Lambda's own by default."""

    start_up: float = 10.0
    """Seconds."""
    idle: float = 300.0
    """Seconds after which a sandbox that nobody asks is ended."""
    isolation: Isolation | None = None
    """How far sandboxes are kept apart from the host; by default as far as this machine allows."""


@dataclass(frozen=True)
class Answer:
    """What the caller of a function gets."""

    payload: bytes
    failed: bool = False
    """The function ended in an error of its own, or of the runtime's."""
    tail: bytes = b""
    """The last 4 KB of the log."""


@dataclass(frozen=True)
class Outcome:
    """How one invocation, or one start-up, ended."""

    payload: bytes = b""
    failed: bool = False
    status: str = "success"
    error: str = ""
    notice: str = ""
    """What Lambda writes to a text log about it, after START."""


@dataclass(frozen=True)
class Place:
    """Where and with what a sandbox is made."""

    launcher: Launcher
    contents: Contents
    folder: Path
    endpoint: str
    logs: LogsBackend
    limits: Limits


class Instance:
    """A sandbox that serves one deployment, one invocation at a time.

    Args:
        deployment: whose code and configuration.
        place: its folder, its contents and where its log goes.
    """

    def __init__(self, deployment: Deployment, place: Place) -> None:
        self.deployment, self._place = deployment, place
        self.name = uuid.uuid4().hex
        self._stream = LogStream(place.logs, deployment.logs, stream_name(deployment, self.name))
        self._json = deployment.logs.json
        self._started = False
        self._runtime: Runtime | None = None
        self._api: RuntimeApi
        self._output: Output
        self._events: queue.SimpleQueue[Event]
        self._used_mb = 0
        self._ending = threading.Lock()

    def serve(self, call: Invocation, early: Callable[[Answer], None]) -> Answer:
        """Run one invocation to its end and freeze.

        Args:
            call: the deadline in it is set here.
            early: called with the answer if the runtime does not come back soon after giving it.
        """
        self._stream.begin_tail()
        start_ms = self._first_start(call.request)
        began = time.monotonic()
        deadline = began + self.deployment.timeout
        broken = None if self._runtime else self._start("invoke", deadline, call.request)[1]
        self._stream.platform(lines.start(call.request, self.deployment.version, as_json=self._json))
        outcome = broken or self._run(self._dated(call, deadline), deadline, early)
        if outcome.notice and not self._json:
            self._stream.platform(outcome.notice)
        self._finish(call.request, outcome, (time.monotonic() - began) * 1000, start_ms)
        return Answer(outcome.payload, outcome.failed, self._stream.tail())

    def end(self) -> None:
        """Kill what runs; the folder stays."""
        with self._ending:
            if self._runtime:
                self._runtime.stop()
                self._api.close()
                self._output.join()
                self._runtime = None

    # -- start-up ----------------------------------------------------------------------------------------------

    def _first_start(self, request: str) -> float | None:
        """Start a new sandbox before any invocation; return the milliseconds, if it succeeded."""
        if self._started:
            return None
        self._started = True
        self._stream.platform(lines.init_start(self.deployment.runtime, as_json=self._json))
        duration, broken = self._start("init", time.monotonic() + self._place.limits.start_up, request)
        return None if broken else duration

    def _start(self, phase: str, deadline: float, request: str) -> tuple[float, Outcome | None]:
        """Start the runtime; milliseconds, and what was wrong."""
        began = time.monotonic()
        self._launch()
        outcome = self._await_start(deadline, request)
        duration = (time.monotonic() - began) * 1000
        if outcome:
            self.end()
            report = lines.init_report(duration, phase, outcome.status, outcome.error, as_json=self._json)
            self._stream.platform(report, severe=True)
        return duration, outcome

    def _launch(self) -> None:
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._events, self._api = events, RuntimeApi(events)
        place, root = self._place, self._place.launcher.root(self._place.folder)
        variables = function_environment(self.deployment, self._stream.name, self._api.address, place.endpoint, root)
        self._runtime = Runtime(
            place.launcher,
            self.name,
            place.folder,
            replace(place.contents, environment=variables),
            lambda how: events.put(Ended(how)),
        )
        self._output = Output(self._runtime.output, self._stream.function)

    def _await_start(self, deadline: float, request: str) -> Outcome | None:
        match self._next_event(deadline):
            case Ready():
                self._output.drain()
                return None
            case StartFailed(body, kind):
                return Outcome(with_request(body, request), failed=True, status="error", error=kind)
            case Ended(how):
                return self._exited(how, request)
            case _:
                return self._timed_out(request)

    # -- an invocation -----------------------------------------------------------------------------------------

    def _run(self, call: Invocation, deadline: float, early: Callable[[Answer], None]) -> Outcome:
        assert self._runtime  # noqa: S101
        self._runtime.thaw()
        self._api.give(call)
        while True:
            match self._next_event(deadline):
                case Answered(request, body, failed) if request == call.request:
                    return self._settle(Outcome(body, failed), deadline, early)
                case Ended(how):
                    return self._exited(how, call.request)
                case None:
                    return self._timed_out(call.request)
                case _:
                    continue

    def _settle(self, outcome: Outcome, deadline: float, early: Callable[[Answer], None]) -> Outcome:
        """Wait until the runtime asks for more: only then is everything written."""
        event = self._next_event(min(deadline, time.monotonic() + GRACE))
        if event is None:
            self._output.drain()
            early(Answer(outcome.payload, outcome.failed, self._stream.tail()))
            event = self._next_event(deadline)
        if isinstance(event, Ready):
            return outcome
        self.end()
        return replace(outcome, status="error" if event else "timeout")

    def _next_event(self, deadline: float) -> Event | None:
        try:
            return self._events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None

    def _exited(self, how: str, request: str) -> Outcome:
        self.end()
        if how.startswith("failed"):
            self._stream.function(f"The sandbox could not be made: {how.removeprefix('failed ')}\n".encode())
        text = f"RequestId: {request} Error: {lines.how_it_ended(how)}"
        kind = "Runtime.ExitError"
        body = json.dumps({"errorType": kind, "errorMessage": text}).encode()
        return Outcome(body, failed=True, status="error", error=kind, notice=f"{text}\n{kind}\n")

    def _timed_out(self, request: str) -> Outcome:
        self.end()
        text = f"Task timed out after {self.deployment.timeout}.00 seconds"
        error = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request} Error: {text}"}
        notice = f"{lines.now()} {request} {text}\n\n"
        return Outcome(json.dumps(error).encode(), failed=True, status="timeout", notice=notice)

    def _finish(self, request: str, outcome: Outcome, duration: float, start_ms: float | None) -> None:
        """Write END and REPORT, and freeze the sandbox."""
        if self._runtime:
            self._output.drain()
            self._used_mb = max(self._used_mb, self._runtime.peak_mb())
        memory, status = self.deployment.memory, outcome.status
        report = lines.Report(request, duration, memory, self._used_mb, start_ms, status, outcome.error)
        for line in lines.finish(report, as_json=self._json):
            self._stream.platform(line, severe=status != "success")
        if self._runtime:
            self._runtime.freeze()

    @staticmethod
    def _dated(call: Invocation, deadline: float) -> Invocation:
        milliseconds = (time.time() + deadline - time.monotonic()) * 1000
        return replace(call, deadline_ms=int(milliseconds))


def stream_name(deployment: Deployment, sandbox: str) -> str:
    """Return ``YYYY/MM/DD/[version]<32 hex>``; in a group of the user's own, with the function's name.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html.
    """
    date = time.strftime("%Y/%m/%d", time.gmtime())
    if deployment.logs.shared:
        return f"{date}/{deployment.name}[{deployment.version}][{sandbox}]"
    return f"{date}/[{deployment.version}]{sandbox}"


def with_request(body: bytes, request: str) -> bytes:
    """Return an error of start-up as the caller of the invocation gets it."""
    try:
        fields = json.loads(body)
        return json.dumps({**fields, "requestId": request}).encode()
    except (ValueError, TypeError):
        return body
