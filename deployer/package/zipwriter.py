"""Writes a zip that is the same, byte for byte, whenever the same entries are written in the same order.

Fixed modes, each entry's own date, sizes in front of the data (no data descriptors), no extra fields but for 64-bit
sizes and times in UTC.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, Final, Self

from deployer.models.package import Entry, Kind
from deployer.models.slim import Measure
from deployer.package import zipformat

Advance = Callable[[int], Any]
"""Called with how many bytes were done since the last call."""

_FORMS: Final = {Kind.FILE: stat.S_IFREG, Kind.SYMLINK: stat.S_IFLNK, Kind.DIRECTORY: stat.S_IFDIR}
_DOS_DIRECTORY: Final = 0x10


class ZipWriter:
    """A zip at ``out``, which exists only when it is whole: it is written beside, and renamed at the end.

    Space is reserved in the order that the entries will have; their data may come in any order.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._position = 0
        self._records: list[zipformat.Record] = []
        self._files = self._bytes = 0

    def __enter__(self) -> Self:
        self._file = NamedTemporaryFile(dir=self._out.parent, prefix=f".{self._out.name}.", delete=False)
        return self

    def reserve(self, entry: Entry) -> int:
        """Write the entry's header; return where its ``packed`` bytes of data go."""
        record = _record(entry, self._position)
        header = zipformat.local_header(record)
        self.write(self._position, header)
        self._records.append(record)
        self._position += len(header) + entry.packed
        self._files += entry.kind is not Kind.DIRECTORY
        self._bytes += entry.size
        return self._position - entry.packed

    def write(self, offset: int, data: bytes) -> None:
        """Write data of an entry."""
        self._file.seek(offset)
        self._file.write(data)

    def finish(self) -> Measure:
        """Write the directory and put the zip in its place; return its measure."""
        headers = b"".join(zipformat.central_header(record) for record in self._records)
        end = zipformat.end_records(len(self._records), self._position, len(headers))
        self.write(self._position, headers + end)
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.seek(0)
        sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        self._file.close()
        Path(self._file.name).chmod(0o644)
        Path(self._file.name).replace(self._out)
        return Measure(self._files, self._bytes, size, sha256)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)


def _record(entry: Entry, offset: int) -> zipformat.Record:
    name = zipformat.name_of(entry.path)
    attributes = (_FORMS[entry.kind] | entry.mode) << 16
    if entry.kind is Kind.DIRECTORY:
        name, attributes = name + b"/", attributes | _DOS_DIRECTORY
    return zipformat.Record(
        name=name,
        host=zipformat.UNIX,
        flags=0 if name.isascii() or not _is_utf8(name) else zipformat.UTF8,
        method=entry.method,
        crc32=entry.crc32,
        packed=entry.packed,
        size=entry.size,
        attributes=attributes,
        offset=offset,
        date=entry.date,
        utc=entry.utc,
    )


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
