"""Brings together what the witnesses saw: the journal of every process, the kernel's account, the maps."""

from __future__ import annotations

import stat
from posix import lstat
from posixpath import dirname, isdir, lexists, realpath
from typing import Any, Iterable

from probe_layer.account import Account
from probe_layer.journal import Entry, Journal, TakenError
from probe_layer.letters import ASKED, KERNEL, LISTING, OPENS, Letter
from probe_layer.maps import mapped
from probe_layer.watch import Watch

_NAMED = frozenset([Letter.SHIM_LISTED, Letter.SHIM_BROWSED, Letter.PYTHON_LISTED, Letter.PYTHON_BROWSED])
"""Letters of whoever lists a directory and is heard."""


class Collector:
    """One sandbox's witnesses.

    Args:
        roots: the package's folder (LAMBDA_TASK_ROOT); and /var/task, where symlinks lead there, or nothing.
        own: the probe's folder; the layers lie beside it and are logged as ``/opt``.
        journal: None where it could not be had.
        shim: the shim's functions, None where it is not loaded.
    """

    def __init__(self, roots: tuple[bytes, bytes], own: bytes, journal: Journal | None, shim: Any) -> None:
        self.faults: set[str] = set()
        self.account = Account()
        self.journal = journal
        self._shim = shim
        self._root, self._task = roots
        self._own, self._layers = own, dirname(own)
        self._earlier: Journal | None = None
        self._watch: Watch | None = None
        self._kernel: set[bytes] = set()
        self._unwatched: set[bytes] = set()
        self._found: list[Entry] = []
        self._doubted: list[bytes] = []
        self._folders: dict[bytes, bool] = {}
        self._full, self._unseen = False, 0

    def begin(self) -> None:
        """Start the watch, and take what a runtime before this one has left."""
        try:
            clock = self._tell_time if self._shim and self.journal else None
            self._watch = Watch([self._root, self._layers], self._own, clock)
        except Exception:
            self.faults.add("inotify-missing")
        if self.journal:
            self.settle(self.journal.read(self.journal.logged))
            self.account.written()
            self.settle(self.journal.read())

    def get_ready(self) -> None:
        """Wait until every directory is watched."""
        if self._watch:
            self._watch.get_ready()

    def witnesses(self) -> list[str]:
        """Those at work."""
        kernel = bool(self._watch and self._watch.at_work())
        return ["inotify"] * kernel + ["shim"] * bool(self._shim) + ["maps"] + ["audit"] * bool(self._shim)

    def take_faults(self) -> list[str]:
        """What could not be seen since the last call, by name."""
        if self._watch:
            self.faults.update(self._watch.faults())
        if self.journal and self.journal.full and not self._full:
            self._full = True
            self.faults.add("journal-full")
        if self.journal and self.journal.unseen > self._unseen:
            self._unseen = self.journal.unseen
            self.faults.add("shim-static")
        faults = sorted(self.faults)
        self.faults.clear()
        return faults

    def drain(self) -> None:
        """Empty the kernel's queue; what it held goes to the journal, lest it be lost with this process."""
        if not self._watch:
            return
        for kind, path in self._watch.drain():
            self._found.append(Entry(kind, path, ""))
            self._kernel.add(path)
            if self._shim:
                self._shim.ldeploy_note(ord(kind), path)

    def collect(self) -> None:
        """The journal first: what the shim noted by then, the kernel has queued."""
        noted = self._read()
        self.drain()
        found, self._found = self._found, []
        if not (noted or found or self._doubted):
            return
        noted += self._read()  # who opened a directory by then has said so
        self.settle(found + noted)
        self._browse([entry.path for entry in found if entry.letter == Letter.KERNEL_LISTED])
        asked = [
            self._unfold(entry.path, entry.letter)[-1][0] for entry in noted if entry.letter == Letter.PYTHON_OPENED
        ]
        self._doubt(asked)
        loaded = [
            Entry(*each, "") for each in mapped((self._root + b"/", self._layers + b"/")) if self._is_ours(each[1])
        ]
        self.settle(loaded)
        self.drain()  # what was loaded while the list was read
        self._compare([entry.path for entry in noted + loaded if entry.letter in OPENS])

    def settle(self, entries: Iterable[Entry]) -> None:
        """Add entries to the account."""
        for letter, path, module in entries:
            if self.account.has(letter, path):
                continue
            places = self._unfold(path, letter)
            for place, each in places:
                if self._is_ours(place):
                    self._judge(each, place)
            if letter in ASKED:
                self.account.ask(places[-1][0], module)

    def relative(self, path: bytes) -> bytes:
        """The path as the records have it."""
        if path.startswith(self._root + b"/"):
            return path[len(self._root) + 1 :]
        return b"/opt" + path[len(self._layers) :]

    def _tell_time(self) -> int:
        return self.journal.tail if self.journal else 0

    # -- the journal ---------------------------------------------------------------------------------------------

    def _read(self) -> list[Entry]:
        """What is new in it. What the kernel said is there for the next runtime alone."""
        if not self.journal:
            return []
        entries = self._earlier.read() if self._earlier else []
        if self._watch and self._watch.since:
            entries += self.journal.read(self._watch.since)
            self._unwatched.update(entry.path for entry in entries)
            self._watch.since = 0
        entries += self.journal.read()
        if self.journal.is_removed():
            self.faults.add("journal-removed")
            self._follow(self.journal)
        return [entry for entry in entries if entry.letter not in KERNEL]

    def _follow(self, removed: Journal) -> None:
        """Go on with another file; who still writes to the one that was removed is heard until the next is."""
        try:
            if self._shim:
                self._shim.ldeploy_keep()
            self.journal, self._earlier = removed.follower(), removed
        except (OSError, TakenError):
            self.faults.add("journal-missing")

    # -- the witnesses beside each other -------------------------------------------------------------------------

    def _browse(self, directories: list[bytes]) -> None:
        """A directory that the kernel alone saw opened is listed by a program that makes its own system calls, or
        within the C library (``glob``): its names may be the answer."""
        if self._shim and self.journal and not self.journal.full:
            alone = [path for path in directories if not any(self.account.has(letter, path) for letter in _NAMED)]
            self.settle(Entry(Letter.KERNEL_BROWSED, path, "") for path in alone)

    def _compare(self, opened: list[bytes]) -> None:
        """What the shim or the maps show as opened must be in the kernel's account too, since all is watched."""
        if not (self._watch and self._watch.at_work()):
            return
        for path in opened:
            if (
                path not in self._unwatched
                and path not in self._kernel
                and realpath(path) not in self._kernel
                and lexists(path)
            ):
                self.faults.add("inotify-missed")

    def _doubt(self, asked: list[bytes]) -> None:
        """What Python and the kernel say was opened, the shim must note, by the next report at the latest."""
        doubted = [path for path in self._doubted if not self.account.has(Letter.SHIM_OPENED, path)]
        if doubted and self._shim and self.journal and not self.journal.full:
            self.faults.add("shim-missed")
        self._doubted = [path for path in asked if self.account.has(Letter.KERNEL_OPENED, path)]

    # -- paths ---------------------------------------------------------------------------------------------------

    def _unfold(self, path: bytes, letter: str) -> list[tuple[bytes, str]]:
        """The path below the root; one with ``..`` in it needs the directories before them too."""
        if self._task and path.startswith(self._task + b"/"):
            path = self._root + path[len(self._task) :]
        if b"/.." not in path:
            return [(path, letter)]
        found, place = [], b""
        for segment in path.split(b"/")[1:]:
            if segment == b"..":
                found.append((place, Letter.SHIM_LOOKED))
                place = dirname(realpath(place)).rstrip(b"/")
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
                mode = lstat(path).st_mode
                folder = isdir(path) if stat.S_ISLNK(mode) else stat.S_ISDIR(mode)
            except OSError:
                return
            self._folders[path] = folder
        if folder and letter == Letter.SHIM_EXECUTED:
            return
        self.account.add(LISTING.get(letter, letter) if folder else letter, path)
