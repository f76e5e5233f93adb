"""Holds the parts of a zip until the size of each is known; several threads may write."""

import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from types import TracebackType
from typing import Final

from deflate import deflate_compress

from deployer.models.package import Entry
from deployer.package import zipformat
from deployer.slim.buffers import Contents, chunks, whole

_BLOCK: Final = 4 << 20
LEVEL: Final = 6
"""Of libdeflate: smaller than zlib's 6, and three times as fast (docs/benchmarks.md)."""
BEST: Final = 12
_WHOLE: Final = 100 << 20
"""Bytes that are deflated as a whole."""
_ZLIB_LEVEL: Final = 6
_WINDOW: Final = 32 << 10
"""How far deflate looks back."""
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Part:
    """An entry of the zip to be, and where in the spool its data begins."""

    entry: Entry
    start: int


class Spool(AbstractContextManager["Spool"]):
    """A file without a name, in the folder where the zip will be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        self._descriptor = self._file.fileno()
        self._end = 0
        self._lock = Lock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def room(self, size: int) -> int:
        """Reserve ``size`` bytes that nobody else writes to; return where they begin."""
        with self._lock:
            start, self._end = self._end, self._end + size
        return start

    def write(self, start: int, data: bytes | bytearray | memoryview) -> None:
        """Write all the bytes."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view, start)
            start, view = start + done, view[done:]

    def blocks(self, part: Part) -> list[tuple[int, int]]:
        """Return where the blocks of a part's data are: start and length."""
        end = part.start + part.entry.packed
        return [(start, min(_BLOCK, end - start)) for start in range(part.start, end, _BLOCK)]

    def read(self, start: int, length: int) -> bytes:
        """Return bytes that were written."""
        return os.pread(self._descriptor, length, start)

    def contents(self, part: Part) -> bytes:
        """Return the unpacked bytes of a part, whole in memory: for small ones."""
        data = b"".join(self.read(*block) for block in self.blocks(part))
        return data if part.entry.method == zipformat.STORED else zlib.decompress(data, -zlib.MAX_WBITS)

    def pack(self, entry: Entry, contents: Contents, level: int) -> Part:
        """Deflate contents, or store them where that is smaller; return the part with its entry."""
        size, crc32 = len(contents), 0
        for chunk in chunks(contents):
            crc32 = zlib.crc32(chunk, crc32)
        start = self.room(size)
        method, packed = zipformat.DEFLATED, self._fill(start, size - 1, deflated(contents, level))
        if packed is None:
            method, packed = zipformat.STORED, self._fill(start, size, chunks(contents))
        told = replace(entry, size=size, packed=packed or 0, crc32=crc32, method=method, offset=0)
        return Part(told, start)

    def _fill(self, start: int, room: int, blocks: Iterable[bytes | bytearray]) -> int | None:
        """Write blocks one behind the other; return their length, or None where there is no room for all of them."""
        end = start
        for block in blocks:
            if end + len(block) > start + room:
                return None
            self.write(end, block)
            end += len(block)
        return end - start


def deflated(contents: Contents, level: int) -> Iterator[bytes | bytearray]:
    """Yield one raw deflate stream: by libdeflate, which holds the whole, or by zlib in parts where that is over 100
    MB.

    At the level of BEST it is always libdeflate: zlib's level 9 compresses less than libdeflate's 6.
    """
    if len(contents) <= _WHOLE or level == BEST:
        yield deflate_compress(whole(contents), level)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(partial(_deflated_part, contents), range(0, len(contents), _BLOCK))


def _deflated_part(contents: Contents, start: int) -> bytes:
    """Return a part of a stream: it refers to what is before it, and ends at a byte."""
    end = start + _BLOCK
    before = bytes(contents[max(start - _WINDOW, 0) : start])
    deflate = zlib.compressobj(_ZLIB_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=before)
    ending = zlib.Z_SYNC_FLUSH if end < len(contents) else zlib.Z_FINISH
    return deflate.compress(contents[start:end]) + deflate.flush(ending)
