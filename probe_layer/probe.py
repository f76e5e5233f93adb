"""Puts together what the witnesses saw, and writes each path once to the log.

Nothing here may raise into the function: every entry point is guarded, and what fails is a fault in the next record.
"""

from __future__ import annotations

import _thread
import os
import stat
import time
from typing import Any, Callable

from probe_layer.journal import Journal
from probe_layer.output import Output, is_static
from probe_layer.record import Record, encode
from probe_layer.watch import Watch

_BITS = {"o": 1, "l": 2, "d": 4, "x": 8}
_OPENED, _LOOKED, _LISTED, _EXECUTED = _BITS.values()
_NAMES = ((_OPENED, "opened"), (_LOOKED, "looked"), (_LISTED, "listed"), (_EXECUTED, "executed"))
_Method = Callable[..., None]


def _guarded(method: _Method) -> _Method:
    """The method in the runtime's own process, one at a time, and without a word when it fails."""

    def guard(self: Probe, *args: Any) -> None:
        try:
            if os.getpid() != self._pid or not self._lock.acquire(True, 1):
                return
            try:
                self._mute(1)
                method(self, *args)
            finally:
                self._mute(0)
                self._lock.release()
        except Exception:
            self.faults.add("probe-failed")

    return guard


class Probe:
    """One runtime's account of what was touched.

    Args:
        root: the package's folder (LAMBDA_TASK_ROOT).
        own: the probe's folder; the layers lie beside it and are logged as ``/opt``.
        package: label of the package, for the records.
        journal: None where it could not be had.
        shim: the shim's functions, None where it is not loaded.
    """

    def __init__(self, root: str, own: str, package: str, journal: Journal | None, shim: Any) -> None:
        self.faults: set[str] = set()
        self._pid = os.getpid()
        self._lock = _thread.allocate_lock()
        self._root, self._own, self._package = os.fsencode(root), os.fsencode(own), package
        self._layers = os.path.dirname(self._own)
        self._journal, self._shim = journal, shim
        self._sandbox = journal.sandbox if journal else os.urandom(8).hex()
        self._line = journal.line if journal else 0
        self._seen: dict[bytes, int] = {}
        self._pending: dict[bytes, int] = {}
        self._kernel: set[bytes] = set()
        self._found: list[tuple[str, bytes]] = []
        self._watch: Watch | None = None
        self._output = Output()
        self._full = False

    # -- entry points --------------------------------------------------------------------------------------------

    @_guarded
    def begin(self, wrapper: str | None) -> None:
        """Starts the watch, and reports what a runtime before this one could not."""
        if self._journal:
            for kind, path in self._journal.read(self._journal.logged):
                self._add(_BITS[kind.lower()], path)
            self._pending.clear()
            left = self._journal.line > 0
            self._settle([(kind.lower(), path) for kind, path in self._journal.read()])
            if left and self._pending:
                self._write("idle", None, 0)
        try:
            self._watch = Watch([self._root, self._layers], self._own)
        except Exception:
            self.faults.add("inotify-missing")
        if wrapper:
            self._settle([("x", os.fsencode(wrapper))])

    @_guarded
    def drain(self) -> None:
        """Empties the kernel's queue; what it held goes to the journal, lest it be lost with this process."""
        self._drain()

    @_guarded
    def report(self, phase: str, request: str | None, ended: bool = False) -> None:
        """Logs what is new. A line is written in any case when start-up or an invocation has ended."""
        self._collect()
        if self._pending or self.faults or ended:
            self._write(phase, request, int(ended and phase == "invoke"))

    @_guarded
    def renew(self) -> None:
        """This sandbox is one of several restored from one snapshot: it logs everything, under its own id."""
        self._sandbox, self._line = os.urandom(8).hex(), 0
        self._pending = dict(self._seen)
        if self._journal:
            self._journal.renew(self._sandbox)

    # -- collecting ----------------------------------------------------------------------------------------------

    def _mute(self, on: int) -> None:
        if self._shim:
            self._shim.ldeploy_mute(on)

    def _drain(self) -> None:
        if not self._watch:
            return
        for kind, path in self._watch.drain():
            self._found.append((kind, path))
            self._kernel.add(path)
            if self._shim:
                self._shim.ldeploy_note(ord(kind), path)

    def _collect(self) -> None:
        """The journal first: what the shim noted by then, the kernel has queued."""
        noted = [entry for entry in self._journal.read() if entry[0].islower()] if self._journal else []
        self._drain()
        found, self._found = self._found, []
        if not noted and not found:
            return
        mapped = [("m", path) for path in self._mapped()]
        self._settle([(kind.lower(), path) for kind, path in found] + noted + mapped)
        self._compare([path for kind, path in noted + mapped if kind in "om"])

    def _mapped(self) -> set[bytes]:
        """The libraries in this process: a third witness, of what the loader opened."""
        with open("/proc/self/maps", "rb") as maps:
            paths = {line[line.index(b"/") : -1] for line in maps if b"/" in line}
        return {path for path in paths if self._is_ours(path)}

    def _compare(self, opened: list[bytes]) -> None:
        """What the shim or the maps show as opened must be in the kernel's account too."""
        if not (self._watch and self._watch.at_work()):
            return
        for path in opened:
            if path not in self._kernel and os.path.realpath(path) not in self._kernel and os.path.lexists(path):
                self.faults.add("inotify-missed")

    def _settle(self, entries: list[tuple[str, bytes]]) -> None:
        for kind, path in entries:
            bit = _BITS.get(kind, _OPENED)
            if self._seen.get(path, 0) & bit:
                continue
            for place, touch in self._unfold(path, bit):
                if self._is_ours(place):
                    self._judge(place, touch)

    def _unfold(self, path: bytes, bit: int) -> list[tuple[bytes, int]]:
        """A path with ``..`` in it needs the directories before them too."""
        if b"/.." not in path:
            return [(path, bit)]
        found, place = [], b""
        for segment in path.split(b"/")[1:]:
            if segment == b"..":
                found.append((place, _LOOKED))
                place = os.path.dirname(os.path.realpath(place)).rstrip(b"/")
            else:
                place += b"/" + segment
        return [*found, (place, bit)]

    def _is_ours(self, path: bytes) -> bool:
        below = path.startswith((self._root + b"/", self._layers + b"/"))
        return below and not (path + b"/").startswith(self._own + b"/")

    def _judge(self, path: bytes, bit: int) -> None:
        try:
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode) and bit != _LOOKED:
                mode = os.stat(path).st_mode
        except OSError:
            return
        if stat.S_ISDIR(mode):
            bit = _LISTED if bit == _OPENED else bit
            if bit == _EXECUTED:
                return
        elif bit == _EXECUTED and is_static(path):
            self.faults.add("shim-static")
        self._add(bit, path)

    def _add(self, bit: int, path: bytes) -> None:
        known = self._seen.get(path, 0)
        if not known & bit:
            self._seen[path] = known | bit
            self._pending[path] = self._pending.get(path, 0) | bit

    # -- writing -------------------------------------------------------------------------------------------------

    def _touched(self) -> dict[str, list[str]]:
        """What is pending, by kind. That an opened file was looked at before says nothing more."""
        touched: dict[str, list[str]] = {}
        for path, bits in self._pending.items():
            if self._seen[path] & ~_LOOKED:
                bits &= ~_LOOKED  # noqa: PLW2901
            for bit, name in _NAMES:
                if bits & bit:
                    touched.setdefault(name, []).append(self._relative(path))
        return touched

    def _relative(self, path: bytes) -> str:
        if path.startswith(self._root + b"/"):
            return os.fsdecode(path[len(self._root) + 1 :])
        return "/opt" + os.fsdecode(path[len(self._layers) :])

    def _write(self, phase: str, request: str | None, invocations: int) -> None:
        faults = self._take_faults()
        now = time.time()
        record = Record(
            timestamp=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%03dZ" % (now % 1 * 1000),
            level=os.environ.get("AWS_LAMBDA_LOG_LEVEL") or "INFO",
            sandbox=self._sandbox,
            line=self._line,
            package=self._package,
            phase=phase,
            request=request,
            invocations=invocations,
            witnesses=["inotify"] * bool(self._watch and self._watch.at_work()) + ["shim"] * bool(self._shim),
            faults=faults,
            touched=self._touched(),
        )
        lines = encode(record)
        if not self._output.write("".join(line + "\n" for line in lines)):
            self.faults.update(faults, ["output-closed"])
            return
        self._pending.clear()
        self._line += len(lines)
        if self._journal:
            self._journal.commit(self._line)

    def _take_faults(self) -> list[str]:
        if self._watch:
            self.faults.update(self._watch.faults())
        if self._journal and self._journal.full and not self._full:
            self._full = True
            self.faults.add("journal-full")
        faults, self.faults = sorted(self.faults), set()
        return faults
