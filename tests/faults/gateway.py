"""What happens at the calls of a command: nothing, a fault, its death, or all of another command."""

import io
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Final, assert_never

from werkzeug.wrappers import Request, Response

from deployer.local.context import DOWNLOADS
from deployer.local.faults import Kind
from deployer.local.gateway import App, Environ, Gateway, Start, peek, plain_name, read_all
from deployer.local.operations import operation

COMMAND: Final = "command"
"""The access key by which the calls of the command that is disturbed are known."""
DOWNLOAD: Final = "download"
"""The name of a call that fetches code from where a presigned URL leads."""
_KEY: Final = re.compile(r"Credential=([^/]+)/")


class Mishap(StrEnum):
    """What goes wrong with a call."""

    THROTTLED_ONCE = "throttled-once"
    ERROR_ONCE = "error-once"
    LOST_BEFORE_ONCE = "lost-before-once"
    LOST_AFTER_ONCE = "lost-after-once"
    CUT_ONCE = "cut-once"
    THROTTLED = "throttled"
    ERROR = "error"
    LOST_BEFORE = "lost-before"
    LOST_AFTER = "lost-after"
    CUT = "cut"
    DENIED = "denied"
    KILLED_BEFORE = "killed-before"
    KILLED_AFTER = "killed-after"

    @property
    def once(self) -> bool:
        """Whether the same call succeeds when it is made again."""
        return self.value.endswith("-once")

    @property
    def kills(self) -> bool:
        """Whether the command dies."""
        return self in {Mishap.KILLED_BEFORE, Mishap.KILLED_AFTER}

    @property
    def kind(self) -> Kind:
        """What the embedded AWS calls it."""
        match self:
            case Mishap.THROTTLED | Mishap.THROTTLED_ONCE:
                return Kind.THROTTLE
            case Mishap.ERROR | Mishap.ERROR_ONCE:
                return Kind.ERROR
            case Mishap.LOST_BEFORE | Mishap.LOST_BEFORE_ONCE | Mishap.KILLED_BEFORE:
                return Kind.LOSE_REQUEST
            case Mishap.LOST_AFTER | Mishap.LOST_AFTER_ONCE | Mishap.KILLED_AFTER:
                return Kind.LOSE_ANSWER
            case Mishap.CUT | Mishap.CUT_ONCE:
                return Kind.CUT
            case Mishap.DENIED:
                return Kind.DENY
        assert_never(self)


@dataclass
class Script:
    """What is to happen to the calls of one command, and which calls there were."""

    call: int = -1
    """Which of them is disturbed; -1 for none."""
    mishap: Mishap | None = None
    meanwhile: Callable[[], object] | None = None
    """Done at that call, before it takes effect."""
    after: Callable[[str], object] | None = None
    """Told of each call when it has taken effect."""
    calls: list[str] = field(default_factory=list)
    victim: int = 0
    """The process of the command, for mishaps that kill."""
    met: str = ""
    """The call that was disturbed; empty where there was none."""
    lock: Any = field(default_factory=threading.Lock)

    def next(self, name: str) -> Mishap | None:
        """Note a call; return what goes wrong with it."""
        with self.lock:
            number = len(self.calls)
            self.calls.append(name)
            again = bool(self.met) and fnmatchcase(name, self.met) and self.mishap is not None
            if number == self.call:
                self.met = name
            elif not (again and self.mishap and not self.mishap.once and not self.mishap.kills):
                return None
        if number == self.call and self.meanwhile:
            self.meanwhile()
        return self.mishap


class DisturbingGateway(Gateway):
    """The gateway, with a script for the calls of one command."""

    script = Script()

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        signed = _KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        fetches = environ["PATH_INFO"].startswith(DOWNLOADS)
        if not (fetches or (signed and signed[1] == COMMAND)):
            return super().__call__(environ, start_response)
        name = DOWNLOAD if fetches else operation(environ, peek(environ))
        serve = partial(super().__call__, environ)
        mishap = self.script.next(name)
        if mishap is None:
            answer = serve(start_response)
            if self.script.after:
                answer = [b"".join(answer)]
                self.script.after(name)
            return answer
        if mishap.kills:
            return self._kill(mishap, environ, serve)
        if fetches:
            return interrupted(mishap.kind, environ, serve, start_response)
        return self._fail(mishap.kind, name, environ, start_response)

    def _kill(self, mishap: Mishap, environ: Environ, serve: Callable[[Start], Iterable[bytes]]) -> Iterable[bytes]:
        """Kill whoever calls, before the call takes effect or after."""
        environ["wsgi.input"] = io.BytesIO(Request(environ).get_data())
        environ.pop("wsgi.input_terminated", None)
        if mishap is Mishap.KILLED_AFTER:
            b"".join(serve(lambda *_: lambda _: None))
        while not self.script.victim:
            time.sleep(0.001)
        os.kill(self.script.victim, signal.SIGKILL)
        return _broken_off(environ)


def interrupted(
    kind: Kind, environ: Environ, serve: Callable[[Start], Iterable[bytes]], start_response: Start
) -> Iterable[bytes]:
    """Let a download go wrong."""
    if kind in {Kind.LOSE_REQUEST, Kind.LOSE_ANSWER}:
        return _broken_off(environ)
    if kind is Kind.CUT:
        body = b"".join(serve(start_response))
        return _half(body, environ["werkzeug.socket"])
    status = {Kind.THROTTLE: 503, Kind.ERROR: 500}.get(kind, 403)
    return Response("<Error/>", status=status)(environ, start_response)


def _half(body: bytes, connection: socket.socket) -> Iterable[bytes]:
    yield body[: len(body) // 2]
    connection.shutdown(socket.SHUT_RDWR)


def _broken_off(environ: Environ) -> Iterable[bytes]:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("as ordered")


__all__ = ["COMMAND", "App", "DisturbingGateway", "Mishap", "Script", "plain_name", "read_all"]
