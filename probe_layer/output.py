"""The log, and programs: the two places outside the package that the probe reaches for."""

from __future__ import annotations

import os
import time

from probe_layer.unheard import read


class Output:
    """The process's standard output or, when a function has put something else in its place, standard error."""

    def __init__(self) -> None:
        self._identity = {file: _identity(file) for file in (1, 2)}

    def write(self, lines: list[str]) -> bool:
        """Write lines past every buffer of Python's, and return whether there was anywhere to write to.

        Each line is one write: with others' writes to the same pipe it is not mixed while it is short enough
        (``record.LIMIT``).

        Raises:
            OSError: the other end is gone, or takes nothing for a second.
        """
        for file, identity in self._identity.items():
            if identity and _identity(file) == identity:
                for line in lines:
                    _write(file, line.encode("ascii") + b"\n")
                return True
        return False


def _write(file: int, data: bytes) -> None:
    """Write all of it, also where a function has set the descriptor not to block."""
    tries = 1_000
    while data:
        try:
            data = data[os.write(file, data) :]
        except BlockingIOError:  # noqa: PERF203
            tries -= 1
            if not tries:
                raise
            time.sleep(0.001)


def _identity(file: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_static(path: bytes) -> bool:
    """Whether a program is an ELF file that asks for no loader, so that no shim can be preloaded (64 bit only)."""
    head = read(path, 4096)
    if head[:5] != b"\x7fELF\x02":
        return False
    offset = int.from_bytes(head[32:40], "little")
    size, count = (int.from_bytes(head[at : at + 2], "little") for at in (54, 56))
    kinds = {int.from_bytes(head[at : at + 4], "little") for at in range(offset, offset + size * count, size or 1)}
    return 3 not in kinds  # PT_INTERP
