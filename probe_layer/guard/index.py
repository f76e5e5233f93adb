"""The guard's index: what was dropped from a package, where its bytes lie, and what they must be.

Written when the package is made, read in the sandbox by the fetcher and, mapped into memory, by the shim (``guard.h``):
one layout for all. Little-endian; each part begins at a multiple of 8. Rows are sorted by their names' bytes with "/"
before all others, so that what is in a folder stands right behind it, and a name is found by halving.
"""

import json
import struct
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

NAME = "guard.idx"
PACK = "guard.pack"
"""The blocks of what was dropped, where they lie inside the package."""
MAGIC = b"ldguard1"

FILE, FOLDER, KEEPER, SONAME = b"f", b"d", b"k", b"s"
"""Kinds of rows: a dropped file; a folder of which nothing is kept; a kept library that needs dropped ones; a library's
bare name, which begins with the byte 1."""
DEFLATED, LOOKED_AT = 2, 1
"""Flags: as it lies in a zip; stat is answered by the index."""

_HEADER = struct.Struct("<8s7I4x64s")
_ROW = struct.Struct("<QQQIII4xHHHcB")
_DIGEST = 32


class Row(NamedTuple):
    """One path, relative to the package's root; bytes that are not UTF-8 are surrogate escapes."""

    path: str
    kind: bytes
    size: int = 0
    """Bytes unpacked."""
    place: int = 0
    """In S3: of the local header in the full package's zip. Inside: where it begins in its block, unpacked."""
    packed: int = 0
    """In S3: bytes there, without the header. Inside: the number of its block."""
    mode: int = 0o644
    flags: int = 0
    changed: int = 0
    """When it was last changed: seconds since 1970."""
    digest: bytes = bytes(_DIGEST)
    """SHA-256 of the contents."""
    needs: Tuple[str, ...] = ()
    """Paths of rows that are brought with it."""


class Block(NamedTuple):
    """Some dropped files, one behind the other, packed together."""

    offset: int
    """In the file of blocks."""
    packed: int
    """Bytes there."""
    size: int
    """Bytes unpacked."""
    method: str
    """``stored`` or ``xz``."""


def name_of(path: str) -> bytes:
    """A path's bytes."""
    return path.encode("utf-8", "surrogateescape")


def key_of(path: str) -> bytes:
    """What rows are sorted by."""
    return name_of(path).replace(b"/", b"\0")


def soname_path(name: str) -> str:
    """The row of a library's bare name."""
    return "\1" + name


def encode(rows: Sequence[Row], package: str, about: Dict[str, Any]) -> bytes:
    """The index, the same bytes for the same rows.

    Args:
        rows: in any order, each path once.
        package: what lines of the log are to carry, as the probe's do; at most 64 characters.
        about: where the bytes lie: ``bucket``, ``key``, ``etag``, ``bytes`` and ``region``, or ``blocks``.
    """
    ordered = sorted(rows, key=lambda row: key_of(row.path))
    numbers = {row.path: number for number, row in enumerate(ordered)}
    needs: List[int] = []
    names = bytearray()
    body = bytearray()
    for row in ordered:
        name, wanted = name_of(row.path), [numbers[path] for path in row.needs]
        body += _ROW.pack(row.size, row.place, row.packed, len(names), len(needs), row.changed, len(name),
                          len(wanted), row.mode, row.kind, row.flags)  # fmt: skip
        needs += wanted
        names += name + b"\0"
    text = json.dumps(about, separators=(",", ":"), sort_keys=True).encode()
    digests = b"".join(row.digest for row in ordered)
    parts = [bytes(body), digests, struct.pack("<%dI" % len(needs), *needs), bytes(names), text]
    places, data = [], bytearray(_HEADER.size)
    for part in parts:
        data += bytes(-len(data) % 8)
        places.append(len(data))
        data += part
    _HEADER.pack_into(data, 0, MAGIC, len(ordered), *places, len(text), package.encode())
    return bytes(data)


class Index:
    """An index, read.

    Args:
        data: as ``encode`` made it.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, data: bytes) -> None:
        if data[: len(MAGIC)] != MAGIC or len(data) < _HEADER.size:
            raise ValueError("this is no index of the guard")
        (_, self.count, self._rows, self._digests, self._needs, self._names, place, length, label) = (
            _HEADER.unpack_from(data)
        )
        self._data = data
        self.package: str = label.rstrip(b"\0").decode()
        self.about: Dict[str, Any] = json.loads(data[place : place + length])

    def __getitem__(self, number: int) -> Row:
        """The row of a number; its needs are not read."""
        fields = _ROW.unpack_from(self._data, self._rows + _ROW.size * number)
        size, place, packed, name, _, changed, length, _, mode, kind, flags = fields
        at, begin = self._digests + _DIGEST * number, self._names + name
        path = self._data[begin : begin + length].decode("utf-8", "surrogateescape")
        return Row(path, kind, size, place, packed, mode, flags, changed, self._data[at : at + _DIGEST])

    def needs(self, number: int) -> List[int]:
        """The numbers of the rows that are brought with one."""
        fields = _ROW.unpack_from(self._data, self._rows + _ROW.size * number)
        return list(struct.unpack_from("<%dI" % fields[7], self._data, self._needs + 4 * fields[4]))

    def find(self, path: str) -> Optional[int]:
        """The number of a path's row."""
        wanted, low, high = key_of(path), 0, self.count
        while low < high:
            middle = (low + high) // 2
            if key_of(self[middle].path) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < self.count and self[low].path == path else None

    def below(self, number: int) -> Iterator[int]:
        """The rows of what is in a folder, folders before what is in them."""
        start = self[number].path + "/"
        for other in range(number + 1, self.count):
            if not self[other].path.startswith(start):
                return
            yield other

    def rows(self) -> Iterator[Row]:
        """All rows, with their needs."""
        for number in range(self.count):
            yield self[number]._replace(needs=tuple(self[other].path for other in self.needs(number)))
