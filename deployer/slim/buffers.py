"""Holds a file's bytes in memory or on disk: a library may be too long for memory."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, Protocol

_CHUNK: Final = 1 << 20
_IN_MEMORY: Final = 4 << 20


class Contents(Protocol):
    """Bytes taken in slices: ``bytes``, a ``memoryview``, or one of those below."""

    def __len__(self) -> int:
        """Return the length in bytes."""
        ...

    def __getitem__(self, part: slice, /) -> bytes | memoryview:
        """Return the bytes from the slice's start up to its stop."""
        ...


class OnDisk:
    """The bytes of a file without a name, which is gone with this object; several threads may read."""

    def __init__(self, folder: Path) -> None:
        self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed by __del__
        self._size = 0

    def __del__(self) -> None:
        self._file.close()

    def append(self, piece: bytes) -> None:
        """Append bytes."""
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]
        self._size += len(piece)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self._size)
        return os.pread(self._file.fileno(), max(stop - start, 0), start)


class Joined:
    """Parts of a file and new bytes, one behind the other, read when they are needed.

    Args:
        contents: the file.
        pieces: bytes, or from where to where in the file.
    """

    def __init__(self, contents: Contents, pieces: Sequence[bytes | range]) -> None:
        self._contents = contents
        self._pieces = pieces
        self._starts = [0, *accumulate(map(len, pieces))]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(len(self))
        placed = zip(self._starts, self._pieces, strict=False)
        found = (piece[max(start - at, 0) : max(stop - at, 0)] for at, piece in placed)
        return b"".join(self._contents[p.start : p.stop] if isinstance(p, range) else p for p in found if p)


def chunks(contents: Contents, start: int = 0, stop: int | None = None, size: int = _CHUNK) -> Iterator[bytes]:
    """Yield the bytes from ``start`` up to ``stop``, or all, in pieces of ``size``."""
    end = len(contents) if stop is None else stop
    return (bytes(contents[at : min(at + size, end)]) for at in range(start, end, size))


def whole(contents: Contents) -> bytes | bytearray | memoryview:
    """Return all the bytes, in memory."""
    if isinstance(contents, (bytes, memoryview)):
        return contents
    data = bytearray()
    for chunk in chunks(contents):
        data += chunk
    return data


def hold(pieces: Iterable[bytes], size: int, folder: Path) -> Contents:
    """Join the pieces of a file: in memory, or on disk where they are more than 4 MB.

    Args:
        pieces: all of them.
        size: how many bytes they are.
        folder: where a file may be made.
    """
    if size <= _IN_MEMORY:
        return b"".join(pieces)
    file = OnDisk(folder)
    for piece in pieces:
        file.append(piece)
    return file
