"""Reads the data of entries in the order of the zip: few reads, however many entries.

A read from S3 costs about as much time as a megabyte from it, so neighbours are read together.
"""

import hashlib
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from deployer.errors import PackageError
from deployer.models.package import Entry, Kind, Package, Source
from deployer.package import zipformat

_AT_ONCE: Final = 8 << 20
"""Longest read."""
_GAP: Final = 1 << 20
"""Bytes between two wanted entries are read and discarded up to this length."""
_BLOCK: Final = 1 << 20
_SLACK: Final = 1024
"""For a local header's extra fields, whose length the directory does not tell."""
_ADVICE: Final = "Build the package again and check that the whole file was copied."


def packed(source: Source, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Yield each entry with its packed data, in the order of the zip and in blocks of a megabyte.

    An entry's blocks are to be read before the next entry is asked for.

    Raises:
        PackageError: what stands before an entry's data is not the header of that entry.
    """
    ordered = sorted(entries, key=lambda entry: entry.offset)
    reader = _ForwardReader(source, [_extent(entry) for entry in ordered])
    for entry in ordered:
        yield entry, _blocks(reader, entry, _data_start(reader, entry))


def digests(source: Source, package: Package, advance: Callable[[int], Any] = lambda size: None) -> dict[str, bytes]:  # noqa: ARG005
    """Return the SHA-256 of each file's data as it lies in the zip, by path: 32 bytes each.

    Args:
        source: the zip; it is read once from its beginning to its end.
        package: its index.
        advance: called with the bytes that were read.

    Raises:
        PackageError: what stands before an entry's data is not the header of that entry.
    """
    found = {}
    files = (entry for entry in package.entries.values() if entry.kind is Kind.FILE)
    for entry, blocks in packed(source, files):
        digest = hashlib.sha256()
        for block in blocks:
            digest.update(block)
            advance(len(block))
        found[entry.path] = digest.digest()
    return found


def unpacked(source: Source, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Yield each entry with its contents, whole in memory: for small ones.

    Raises:
        PackageError: an entry's data is damaged.
    """
    for entry, blocks in packed(source, entries):
        unpacker = Unpacker(entry)
        contents = b"".join(piece for block in blocks for piece in unpacker.feed(block))
        unpacker.finish()
        yield entry, contents


def checked(entry: Entry, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same blocks, still packed; unpack each on the way and compare the whole with its checksum.

    Raises:
        PackageError: the entry's data is damaged.
    """
    unpacker = Unpacker(entry)
    for block in blocks:
        for _ in unpacker.feed(block):
            pass
        yield block
    unpacker.finish()


def contents(entry: Entry, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an entry's contents, unpacked from its blocks and checked, in pieces of at most a megabyte.

    Raises:
        PackageError: the entry's data is damaged.
    """
    unpacker = Unpacker(entry)
    for block in blocks:
        yield from unpacker.feed(block)
    unpacker.finish()


class Unpacker:
    """Unpacks one entry block by block and checks its size and CRC-32; memory does not grow with it."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == zipformat.DEFLATED else None
        self._size = 0
        self._crc32 = 0

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Yield the contents that this block holds, in pieces of at most a megabyte.

        Raises:
            PackageError: it cannot be inflated, or inflates to more than the directory says.
        """
        for piece in self._pieces(block):
            self._size += len(piece)
            self._crc32 = zlib.crc32(piece, self._crc32)
            if self._size > self._entry.size:
                raise damaged(self._entry.path, "it unpacks to more than its size")
            yield piece

    def finish(self) -> None:
        """Check size and checksum; called after the last block.

        Raises:
            PackageError: size or CRC-32 are not those of the directory.
        """
        whole = self._inflate is None or (self._inflate.eof and not self._inflate.unused_data)
        if not whole or (self._size, self._crc32) != (self._entry.size, self._entry.crc32):
            raise damaged(self._entry.path, "its contents do not match its checksum")

    def _pieces(self, block: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            yield block
            return
        piece = bytes(_BLOCK)
        while block or len(piece) == _BLOCK:
            try:
                piece = self._inflate.decompress(block, _BLOCK)
            except zlib.error as error:
                raise damaged(self._entry.path, "its data cannot be inflated") from error
            yield piece
            block = self._inflate.unconsumed_tail


def damaged(path: str, why: str) -> PackageError:
    """Return the error for an entry whose data is not what the directory says."""
    return PackageError(f"The package's entry {path!r} is damaged: {why}.", _ADVICE)


class _ForwardReader:
    """Answers short reads at growing offsets from long reads that span neighbouring extents."""

    def __init__(self, source: Source, extents: list[tuple[int, int]]) -> None:
        self._source = source
        self._buffer = memoryview(b"")
        self._start = 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in extents:
            if self._ends and start - self._ends[-1] <= _GAP:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def read(self, offset: int, length: int) -> bytes:
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._buffer):
            self._fetch(offset, length)
            begin = 0
        return bytes(self._buffer[begin : begin + length])

    def _fetch(self, offset: int, length: int) -> None:
        run_end = self._ends[bisect_right(self._starts, offset) - 1]
        end = max(offset + length, min(run_end, offset + _AT_ONCE, self._source.size))
        self._buffer = memoryview(b"")  # Freed first: two of them would double the memory.
        self._start, self._buffer = offset, memoryview(self._source.read(offset, end - offset))


def _extent(entry: Entry) -> tuple[int, int]:
    name = len(zipformat.name_of(entry.path))
    return entry.offset, entry.offset + zipformat.LOCAL_SIZE + name + entry.packed + _SLACK


def _data_start(reader: _ForwardReader, entry: Entry) -> int:
    header = reader.read(entry.offset, zipformat.LOCAL_SIZE)
    rest = zipformat.local_rest(header)
    if rest is None:
        raise damaged(entry.path, "no header stands before its data")
    local = zipformat.read_local(header, reader.read(entry.offset + zipformat.LOCAL_SIZE, rest))
    name = zipformat.path_of(local.name)
    if name != entry.path or local.method != entry.method:
        raise damaged(entry.path, f"the header before its data is of {name!r}")
    return entry.offset + local.length


def _blocks(reader: _ForwardReader, entry: Entry, start: int) -> Iterator[bytes]:
    end = start + entry.packed
    for position in range(start, end, _BLOCK):
        yield reader.read(position, min(_BLOCK, end - position))
