"""Puts together what the witnesses saw, and writes each path once to the log.

Nothing here may raise into the function: every entry point is guarded, and what fails is a fault in the next record.
"""

from __future__ import annotations

import _thread
import os
import stat
import sys
import time
from typing import Any, Callable

from probe_layer.account import LISTING, Account
from probe_layer.audit import Audit
from probe_layer.journal import Journal
from probe_layer.maps import mapped
from probe_layer.output import Output, is_static
from probe_layer.record import Record, encode
from probe_layer.watch import Watch

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
        roots: the package's folder (LAMBDA_TASK_ROOT); and /var/task, where symlinks lead there, or nothing.
        own: the probe's folder; the layers lie beside it and are logged as ``/opt``.
        package: label of the package, for the records.
        share: of all sandboxes, those that report.
        journal: None where it could not be had.
        shim: the shim's functions, None where it is not loaded.
    """

    def __init__(
        self, roots: tuple[str, str], own: str, package: str, share: float, journal: Journal | None, shim: Any
    ) -> None:
        self.faults: set[str] = set()
        self._pid = os.getpid()
        self._lock = _thread.allocate_lock()
        self._root, self._task = map(os.fsencode, roots)
        self._own, self._package = os.fsencode(own), package
        self._share = share
        self._layers = os.path.dirname(self._own)
        self._journal, self._shim = journal, shim
        self._sandbox = journal.sandbox if journal else os.urandom(8).hex()
        self._line = journal.line if journal else 0
        self._account = Account()
        self._folders: dict[bytes, bool] = {}
        self._doubted: list[bytes] = []
        self._kernel: set[bytes] = set()
        self._found: list[tuple[str, bytes]] = []
        self._watch: Watch | None = None
        self._output = Output()
        places = tuple(place + "/" for place in (*roots, os.fsdecode(self._layers)) if place)
        self._audit = Audit(places, shim.ldeploy_note if shim and journal else None)
        self._full = self._silent = False

    # -- entry points --------------------------------------------------------------------------------------------

    @_guarded
    def begin(self, wrapper: str | None) -> None:
        """Starts the watch, and reports what a runtime before this one could not."""
        try:
            self._watch = Watch([self._root, self._layers], self._own)
        except Exception:
            self.faults.add("inotify-missing")
        if self._journal:
            left = self._journal.line > 0
            self._settle(self._journal.read(self._journal.logged))
            self._account.written()
            self._settle(self._journal.read())
            if left and self._account:
                self._write("idle", None, 0)
        if wrapper:
            self._settle([("x", os.fsencode(wrapper))])
        sys.addaudithook(self._audit.hook)

    @_guarded
    def drain(self) -> None:
        """Empties the kernel's queue; what it held goes to the journal, lest it be lost with this process."""
        if not self._silent:
            self._drain()

    @_guarded
    def report(self, phase: str, request: str | None, ended: bool = False) -> None:
        """Logs what is new. A line is written in any case when start-up or an invocation has ended."""
        if self._silent:
            return
        self._collect()
        if self._account or self.faults or ended:
            self._write(phase, request, int(ended and phase == "invoke"))

    @_guarded
    def renew(self) -> None:
        """This sandbox is one of several restored from one snapshot: it draws its own lot, and logs everything under
        its own id."""
        self._sandbox, self._line = os.urandom(8).hex(), 0
        self._silent = int(self._sandbox[:8], 16) >= self._share * 2**32
        self._account.again()
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
        asked = [(letter, self._unfold(path, letter)[-1][0], module) for letter, path, module in self._audit.take()]
        noted = [entry for entry in self._journal.read() if entry[0] not in "OD"] if self._journal else []
        self._drain()
        found, self._found = self._found, []
        if not (noted or found or asked or self._doubted):
            return
        self._settle(found + noted)
        asked = [entry for entry in asked if self._happened(entry[0], entry[1])]
        self._settle([(letter, path) for letter, path, _ in asked])
        for _, path, module in asked:
            self._account.ask(path, module)
        self._doubt([path for letter, path, _ in asked if letter == "a"])
        loaded = [entry for entry in mapped((self._root + b"/", self._layers + b"/")) if self._is_ours(entry[1])]
        self._settle(loaded)
        self._drain()  # what was loaded while the list was read
        self._compare([path for letter, path in noted + loaded if letter in "ompM"])

    def _happened(self, letter: str, path: bytes) -> bool:
        """The audit hook hears of an open before it is tried; the shim, where there is one, when it is done."""
        opened = self._account.has("o", path) or self._account.has("O", path)
        return letter != "a" or not self._shim or opened

    def _compare(self, opened: list[bytes]) -> None:
        """What the shim or the maps show as opened must be in the kernel's account too."""
        if not (self._watch and self._watch.at_work()):
            return
        for path in opened:
            if path not in self._kernel and os.path.realpath(path) not in self._kernel and os.path.lexists(path):
                self.faults.add("inotify-missed")

    def _doubt(self, asked: list[bytes]) -> None:
        """What Python and the kernel say was opened, the shim must note, by the next report at the latest."""
        doubted = [path for path in self._doubted if not self._account.has("o", path)]
        if doubted and self._shim and self._journal and not self._journal.full:
            self.faults.add("shim-missed")
        self._doubted = [path for path in asked if self._account.has("O", path)]

    def _settle(self, entries: list[tuple[str, bytes]]) -> None:
        for letter, path in entries:
            if self._account.has(letter, path):
                continue
            for place, each in self._unfold(path, letter):
                if self._is_ours(place):
                    self._judge(each, place)

    def _unfold(self, path: bytes, letter: str) -> list[tuple[bytes, str]]:
        """The path below the root; one with ``..`` in it needs the directories before them too."""
        if self._task and path.startswith(self._task + b"/"):
            path = self._root + path[len(self._task) :]
        if b"/.." not in path:
            return [(path, letter)]
        found, place = [], b""
        for segment in path.split(b"/")[1:]:
            if segment == b"..":
                found.append((place, "l"))
                place = os.path.dirname(os.path.realpath(place)).rstrip(b"/")
            else:
                place += b"/" + segment
        return [*found, (place, letter)]

    def _is_ours(self, path: bytes) -> bool:
        below = path.startswith((self._root + b"/", self._layers + b"/"))
        return below and not (path + b"/").startswith(self._own + b"/")

    def _judge(self, letter: str, path: bytes) -> None:
        folder = self._folders.get(path)
        if folder is None:
            try:
                mode = os.lstat(path).st_mode
                folder = os.path.isdir(path) if stat.S_ISLNK(mode) else stat.S_ISDIR(mode)
            except OSError:
                return
            self._folders[path] = folder
        if folder and letter in "xy":
            return
        if letter in "xy" and is_static(path):
            self.faults.add("shim-static")
        self._account.add(LISTING.get(letter, letter) if folder else letter, path)

    # -- writing -------------------------------------------------------------------------------------------------

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
            witnesses=self._witnesses(),
            faults=faults,
            touched=self._account.touched(self._relative),
            share=self._share,
            imported=self._account.imported(self._relative),
        )
        lines = encode(record)
        if not self._output.write(lines):
            self.faults.update(faults, ["output-closed"])
            return
        self._account.written()
        self._line += len(lines)
        if self._journal:
            self._journal.commit(self._line)

    def _witnesses(self) -> list[str]:
        kernel = bool(self._watch and self._watch.at_work())
        return ["inotify"] * kernel + ["shim"] * bool(self._shim) + ["maps", "audit"]

    def _take_faults(self) -> list[str]:
        if self._watch:
            self.faults.update(self._watch.faults())
        if self._journal and self._journal.full and not self._full:
            self._full = True
            self.faults.add("journal-full")
        faults, self.faults = sorted(self.faults), set()
        return faults
