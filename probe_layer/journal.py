"""The reader's side of the journal: what every process of a sandbox touched, and what of it is logged already.

The file is laid out in ``journal.h``. It outlives the runtime, so a runtime that is started again in the same sandbox
goes on where the last one was stopped, with the same sandbox id.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct

MAGIC = b"ldeploy1"
SIZE = 6 << 20
DATA = 4096 + 65536 * 8
_TAIL, _FULL, _READER = 8, 16, 24
_STATE = struct.Struct("<16s16sQQ")  # sandbox, package, next line, bytes of data that are logged
_HEAD = struct.Struct("<BBHI")  # 0, kind, length of the path, half of its hash
_PATIENCE = 3  # readings that wait for an entry whose writer may have been killed


class TakenError(Exception):
    """Another runtime that is alive uses the journal, or it is of another package."""


class Journal:
    """One sandbox's journal.

    Args:
        path: of the file; made where there is none.
        package: label of the package.

    Raises:
        OSError: the file cannot be made or mapped.
        TakenError: it is another sandbox's.
    """

    def __init__(self, path: str, package: str) -> None:
        # Open for as long as the process lives: the lock on it goes with the process, not with its children.
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TakenError(path) from error
        os.posix_fallocate(self._file, 0, SIZE)
        self._map = mmap.mmap(self._file, SIZE)
        label = package.encode("ascii", "replace")[:16].ljust(16, b"\0")
        self.line: int
        self._logged: int
        sandbox, owner, self.line, self._logged = _STATE.unpack_from(self._map, _READER)
        if not sandbox.strip(b"\0"):
            sandbox = os.urandom(8).hex().encode()
        elif owner != label:
            raise TakenError(path)
        self.sandbox: str = sandbox.decode("ascii", "replace")
        self._label = label
        self._position = 0
        self._waited = 0
        self.commit(self.line)

    @property
    def logged(self) -> int:
        """How many bytes of the data an earlier runtime of this sandbox has logged."""
        return self._logged

    @property
    def full(self) -> bool:
        """Whether a path found no room."""
        return self._map[_FULL] != 0

    def read(self, end: int | None = None) -> list[tuple[str, bytes]]:
        """The entries since the last reading, up to ``end``: a letter (``account.py``) and an absolute path.

        An entry that is being written is waited for, and passed over when it does not come: its writer was killed.
        """
        tail = min(struct.unpack_from("<Q", self._map, _TAIL)[0], SIZE - DATA)
        tail = tail if end is None else min(tail, end)
        entries, hole = [], -1
        at = self._position
        while at < tail:
            zero, kind, length, _ = _HEAD.unpack_from(self._map, DATA + at)
            if zero or not kind:
                hole = at if hole < 0 else hole
                at += 8
                continue
            entries.append((chr(kind), self._map[DATA + at + 8 : DATA + at + 8 + length]))
            at += 8 + ((length + 8) & ~7)
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
