"""The log: the one place outside the package that the probe writes to."""

from __future__ import annotations

from posix import fstat, write
from time import sleep


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
            data = data[write(file, data) :]
        except BlockingIOError:  # noqa: PERF203
            tries -= 1
            if not tries:
                raise
            sleep(0.001)


def _identity(file: int) -> tuple[int, int] | None:
    try:
        status = fstat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino
