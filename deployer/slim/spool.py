"""Where the parts of a zip wait until the size of each is known; several threads may write."""

import os
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from types import TracebackType
from typing import Final

from deflate import deflate_compress

from deployer.models import Entry
from deployer.package import zipformat

_BLOCK: Final = 4 << 20
LEVEL: Final = 6
"""Of libdeflate: smaller than zlib's 6, and three times as fast (docs/benchmarks.md)."""
BEST: Final = 12


@dataclass(frozen=True, slots=True)
class Part:
    """An entry of the zip to be, and where in the spool its data begins."""

    entry: Entry
    start: int


class Spool(AbstractContextManager["Spool"]):
    """A file without a name, in the folder where the zip will be."""

    def __init__(self, folder: Path) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        self._descriptor = self._file.fileno()
        self._end = 0
        self._lock = Lock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def room(self, size: int) -> int:
        """Where ``size`` bytes may be written that nobody else writes to."""
        with self._lock:
            start, self._end = self._end, self._end + size
        return start

    def write(self, start: int, data: bytes | bytearray | memoryview) -> None:
        """Bytes, all of them."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view, start)
            start, view = start + done, view[done:]

    def blocks(self, part: Part) -> list[tuple[int, int]]:
        """Where the blocks of a part's data are: start and length."""
        end = part.start + part.entry.packed
        return [(start, min(_BLOCK, end - start)) for start in range(part.start, end, _BLOCK)]

    def read(self, start: int, length: int) -> bytes:
        """Bytes that were written."""
        return os.pread(self._descriptor, length, start)

    def contents(self, part: Part) -> bytes:
        """The unpacked bytes of a part, whole in memory: for small ones."""
        data = b"".join(self.read(*block) for block in self.blocks(part))
        return data if part.entry.method == zipformat.STORED else zlib.decompress(data, -zlib.MAX_WBITS)

    def pack(self, entry: Entry, contents: bytes | bytearray, level: int) -> Part:
        """Contents deflated, or stored where that is smaller; the entry tells of them."""
        packed = deflate_compress(contents, level)
        small = len(packed) < len(contents)
        data = packed if small else contents
        method = zipformat.DEFLATED if small else zipformat.STORED
        crc32 = zlib.crc32(contents)
        told = replace(entry, size=len(contents), packed=len(data), crc32=crc32, method=method, offset=0)
        part = Part(told, self.room(len(data)))
        self.write(part.start, data)
        return part
