"""From a sandbox's output to its log stream in CloudWatch, line by line as they come."""

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from deployer.local.sandbox import lines
from deployer.local.sandbox.deployment import LogSettings

TAIL: Final = 4096
"""Bytes of the log that LogType=Tail gives back."""

Sink = Callable[[str], None]
"""Takes one message with its newline."""


class LogsBackend(Protocol):
    """CloudWatch Logs as far as a sandbox writes to it: moto's, or a list."""

    def ensure_log_group(self, log_group_name: str) -> Any: ...

    def ensure_log_stream(self, log_group_name: str, log_stream_name: str) -> Any: ...

    def put_log_events(self, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]) -> Any: ...


class LogStream:
    """One sandbox's stream.

    Args:
        backend: CloudWatch Logs of the function's account and region.
        settings: the function's.
        name: of the stream.
    """

    def __init__(self, backend: LogsBackend, settings: LogSettings, name: str) -> None:
        self._backend, self.settings, self.name = backend, settings, name
        self._lock = threading.Lock()
        self._tail = b""

    def platform(self, message: str, *, severe: bool = False) -> None:
        """Write a line of Lambda's own; with JSON it may be below the level that the function asks for."""
        level = "WARN" if severe else "INFO"
        if self.settings.json and lines.LEVELS.index(level) < lines.LEVELS.index(self.settings.system_level):
            return
        self._write(message)

    def function(self, line: bytes) -> None:
        """Write a line of the function's, with or without its newline."""
        text = line.decode("utf-8", "replace")
        if self.settings.json and not lines.let_through(text, self.settings.application_level):
            return
        for part in lines.split(line):
            self._write(part.decode("utf-8", "replace"))

    def begin_tail(self) -> None:
        """Begin to keep an invocation's lines."""
        with self._lock:
            self._tail = b""

    def tail(self) -> bytes:
        """Return the last 4 KB since then."""
        with self._lock:
            return self._tail

    def _write(self, message: str) -> None:
        event = {"timestamp": time.time_ns() // 1_000_000, "message": message}
        with self._lock:
            self._tail = (self._tail + message.encode())[-TAIL:]
            self._backend.ensure_log_group(self.settings.group)
            self._backend.ensure_log_stream(self.settings.group, self.name)
            self._backend.put_log_events(self.settings.group, self.name, [event])


class Output:
    """Reads one runtime's output as it comes; ``drain`` makes sure that nothing written so far is still under way.

    Args:
        descriptor: the read end of a pipe, not blocking; closed at the end.
        sink: takes each line.
    """

    def __init__(self, descriptor: int, sink: Callable[[bytes], None]) -> None:
        self._descriptor, self._sink = descriptor, sink
        self._lock = threading.Lock()
        self._rest = b""
        self._open = True
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Hand on all that is in the pipe, an unfinished line too."""
        with self._lock:
            self._read()
            self._flush()

    def join(self) -> None:
        """Wait for the end of the output: when the last process that could write is gone."""
        self._thread.join()

    def _follow(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while self._open:
            poll.poll()
            with self._lock:
                self._read()
        with self._lock:
            self._flush()
            os.close(self._descriptor)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while self._open:
                chunk = os.read(self._descriptor, 1 << 16)
                self._open = bool(chunk)
                *whole, self._rest = (self._rest + chunk).split(b"\n")
                for line in whole:
                    self._sink(line + b"\n")

    def _flush(self) -> None:
        if self._rest:
            self._sink(self._rest)
            self._rest = b""
