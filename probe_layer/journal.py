"""The reader's side of the journal: what every process of a sandbox touched, and what of it is logged already.

The file is laid out in ``journal.h``. It outlives the runtime, so a runtime that is started again in the same sandbox
goes on where the last one was stopped, with the same sandbox id.
"""

from __future__ import annotations

import fcntl
import mmap
import struct
from fcntl import lockf
from posix import O_CLOEXEC, O_RDWR, posix_fallocate, stat, urandom
from posix import fstat as _fstat
from posix import open as _open
from typing import NamedTuple

MAGIC = b"ldeploy2"
SIZE = 8 << 20
DATA = 4096 + 131072 * 8
_TAIL, _FULL, _UNSEEN, _ANSWERED, _READER = 8, 16, 24, 40, 48
_STATE = struct.Struct("<16s16sQQ")  # sandbox, package, next line, bytes of data that are logged
_HEAD = struct.Struct("<BBHI")  # 0, kind, length of the text, number
_PATH = ord("P")
_PATIENCE = 3  # readings that wait for an entry whose writer may have been killed


class TakenError(Exception):
    """Another runtime that is alive uses the journal, or it is of another package."""


class Entry(NamedTuple):
    """One touch: a letter (``letters.py``), an absolute path, and the module that asked, or nothing."""

    letter: str
    path: bytes
    module: str


class Journal:
    """One sandbox's journal.

    Args:
        path: of the file, which the wrapper has made.
        package: label of the package.
        alone: whether no other process may read it: False for a reader that gives way to any other.

    Raises:
        OSError: the file is not there, or cannot be mapped.
        TakenError: it is another sandbox's.
    """

    def __init__(self, path: str, package: str, alone: bool = True) -> None:
        # Open for as long as the process lives: the lock on it goes with the process, not with its children.
        self._path, self._package, self._alone = path, package, alone
        self._file = _open(path, O_RDWR | O_CLOEXEC)
        try:
            if alone:
                lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TakenError(path) from error
        posix_fallocate(self._file, 0, SIZE)
        self._map = mmap.mmap(self._file, SIZE)
        self._place = _place(_fstat(self._file))
        self._label = package.encode("ascii", "replace")[:16].ljust(16, b"\0")
        self.line: int
        self._logged: int
        sandbox, owner, self.line, self._logged = _STATE.unpack_from(self._map, _READER)
        if not sandbox.strip(b"\0"):
            sandbox = urandom(8).hex().encode()
        elif owner != self._label:
            raise TakenError(path)
        self.sandbox: str = sandbox.decode("ascii", "replace")
        self._paths: dict[int, bytes] = {}
        self._position = 0
        self._waited = 0
        self.commit(self.line)

    @property
    def logged(self) -> int:
        """How many bytes of the data an earlier runtime of this sandbox has logged."""
        return self._logged

    @property
    def tail(self) -> int:
        """How many bytes of data there are: a moment in the sandbox's life."""
        return min(self._number(_TAIL), SIZE - DATA)

    @property
    def full(self) -> bool:
        """Whether a path found no room."""
        return self._map[_FULL] != 0

    @property
    def unseen(self) -> int:
        """Programs started so far that make system calls of their own, from the package or on it."""
        return self._number(_UNSEEN)

    @property
    def answered(self) -> int:
        """Invocations that workers of the runtime have ended so far."""
        return self._number(_ANSWERED)

    def is_removed(self) -> bool:
        """Whether the file is gone, or another lies in its place: a function may empty /tmp."""
        try:
            return _place(stat(self._path)) != self._place
        except OSError:
            return True

    def is_taken(self) -> bool:
        """Whether a runtime reads it that has it alone."""
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
        (kind, *_) = struct.unpack("hhqqi4x", fcntl.fcntl(self._file, fcntl.F_GETLK, asked))
        return bool(kind != fcntl.F_UNLCK)

    def follower(self) -> Journal:
        """The journal that lies in the place of this one now, under the same sandbox's name.

        Raises:
            OSError: there is none.
            TakenError: it is another sandbox's.
        """
        fresh = Journal(self._path, self._package, self._alone)
        fresh.sandbox = self.sandbox
        fresh.commit(self.line)
        return fresh

    def read(self, end: int | None = None) -> list[Entry]:
        """The touches since the last reading, up to ``end``.

        An entry that is being written is waited for, and passed over when it does not come: its writer was killed.
        """
        tail = self.tail if end is None else min(self.tail, end)
        entries, hole = [], -1
        at = self._position
        while at < tail:
            zero, kind, length, number = _HEAD.unpack_from(self._map, DATA + at)
            if zero or not kind:
                hole = at if hole < 0 else hole
                at += 8
                continue
            if kind != _PATH:
                text = self._map[DATA + at + 8 : DATA + at + 8 + length]
                entries.append(Entry(chr(kind), self._named(number), text.decode("utf-8", "surrogateescape")))
            at += _size(kind, length)
        self._waited = self._waited + 1 if hole >= 0 else 0
        self._position = hole if hole >= 0 and self._waited < _PATIENCE else at
        return entries

    def commit(self, line: int) -> None:
        """Everything that was read is logged; the next line has this number."""
        self.line, self._logged = line, max(self._logged, self._position)
        state = (self.sandbox.encode(), self._label, self.line, self._logged)
        _STATE.pack_into(self._map, _READER, *state)

    def renew(self, sandbox: str) -> None:
        """Another sandbox begins: this one was restored from a snapshot, as others are."""
        self.sandbox, self._logged = sandbox, 0
        self.commit(0)

    def _number(self, place: int) -> int:
        return int.from_bytes(self._map[place : place + 8], "little")

    def _named(self, number: int) -> bytes:
        """The path of the entry with this number."""
        path = self._paths.get(number)
        if path is None:
            at = DATA + 8 * number
            _, _, length, _ = _HEAD.unpack_from(self._map, at)
            path = self._paths[number] = self._map[at + 16 : at + 16 + length]
        return path


def _size(kind: int, length: int) -> int:
    """Bytes of an entry."""
    text = (length + 8) & ~7 if length else 0
    return (16 if kind == _PATH else 8) + text


def _place(status: object) -> tuple[int, int]:
    return status.st_dev, status.st_ino  # type: ignore[attr-defined]
