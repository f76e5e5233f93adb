"""Reads and writes the records of a zip file.

Source: PKWARE APPNOTE.TXT 6.3.10 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).
"""

import struct
import zlib
from typing import Final, NamedTuple

from deployer.errors import PackageError
from deployer.models.dates import OURS
from deployer.models.package import Source

STORED: Final = 0
DEFLATED: Final = 8
UNIX: Final = 3
"""The "version made by" of entries whose attributes are a Unix mode (APPNOTE 4.4.2)."""
ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
UTF8: Final = 0x800

LOCAL_SIZE: Final = 30
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s2B5H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCATOR64 = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")

_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_TIMESTAMP = 0x5455
"""Info-ZIP's extra field with the time in UTC (proginfo/extrafld.txt of its source)."""
_TAIL = 1 << 20
"""Bytes read at once from the end: the whole directory of most packages, so one request to S3."""
_COMMENT = 65_535
"""Longest comment behind the end record."""
_BROKEN = "Build the package again and check that the whole file was copied."


class Record(NamedTuple):
    """One entry as the central directory tells it. Sizes and offset in bytes."""

    name: bytes
    host: int
    flags: int
    method: int
    crc32: int
    packed: int
    size: int
    attributes: int
    offset: int
    date: int = OURS
    """MS-DOS date << 16 | time."""
    utc: int | None = None
    """Seconds since 1970, where the extended timestamp tells them."""


class Directory(NamedTuple):
    """The central directory, and where in the file it begins: no entry's data may lie behind that."""

    records: list[Record]
    start: int


class LocalHeader(NamedTuple):
    """What the header in front of an entry's data says; the data begins ``length`` bytes behind its start."""

    name: bytes
    method: int
    length: int


def read_directory(source: Source) -> Directory:
    """Return the central directory of a zip, in one or two reads; bytes in front of the zip are allowed.

    Raises:
        PackageError: not a zip, cut off, split over several files, or a directory that contradicts itself.
    """
    start = max(0, source.size - _TAIL)
    tail = source.read(start, source.size - start)
    position = _find_end(tail)
    if position < 0:
        raise _not_a_zip(source)
    disk, _, _, count, length, offset = _END.unpack_from(tail, position)[1:7]
    begin = start + position
    wide = count == _FULL16 or _FULL32 in {length, offset}
    if (end64 := _end64(source, begin, wide=wide)) is not None:
        begin, (disk, count, length, offset) = end64
    prefix = begin - length - offset
    if prefix < 0 or disk:
        raise PackageError("The package's zip directory is damaged, or a part of the file is missing.", _BROKEN)
    begin -= length
    data = tail[begin - start : begin - start + length] if begin >= start else source.read(begin, length)
    records = _records(data, prefix)
    if len(records) & _FULL16 != count & _FULL16:
        raise PackageError(f"The package's zip directory holds {len(records)} entries and promises {count}.", _BROKEN)
    return Directory(records, begin)


def read_local(header: bytes, rest: bytes) -> LocalHeader:
    """Parse a local header from its first 30 bytes and what follows them (``local_rest`` bytes)."""
    fields = _LOCAL.unpack(header)
    size = fields[9]
    return LocalHeader(_name(rest[:size], rest[size:]), fields[3], LOCAL_SIZE + len(rest))


def local_rest(header: bytes) -> int | None:
    """Return how many bytes of name and extra fields follow a local header; None where it is not one."""
    fields = _LOCAL.unpack(header)
    return fields[9] + fields[10] if fields[0] == b"PK\3\4" else None


def path_of(name: bytes) -> str:
    """Return an entry's path as it will be unpacked: bytes that are not UTF-8 kept, ``./`` and ``//`` folded."""
    parts = name.decode("utf-8", "surrogateescape").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def name_of(path: str) -> bytes:
    """Return a path as bytes, with those that are not UTF-8 as they were; paths are sorted by it."""
    return path.encode("utf-8", "surrogateescape")


def local_header(record: Record) -> bytes:
    """Return the header in front of an entry's data; extra fields only where a size needs 64 bits."""
    wide = record.size >= _FULL32 or record.packed >= _FULL32
    extra = struct.pack("<2H2Q", 1, 16, record.size, record.packed) if wide else b""
    extra += _timestamp(record.utc)
    fixed = _LOCAL.pack(
        b"PK\3\4", 45 if wide else 20, record.flags, record.method, *_moment(record.date), record.crc32,
        *((_FULL32, _FULL32) if wide else (record.packed, record.size)), len(record.name), len(extra),
    )  # fmt: skip
    return fixed + record.name + extra


def central_header(record: Record) -> bytes:
    """Return an entry's record in the central directory."""
    values = (record.size, record.packed, record.offset)
    wide = [value for value in values if value >= _FULL32]
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    extra += _timestamp(record.utc)
    size, packed, offset = (min(value, _FULL32) for value in values)
    version = 45 if wide else 20
    fixed = _CENTRAL.pack(
        b"PK\1\2", version, record.host, version, record.flags, record.method, *_moment(record.date),
        record.crc32, packed, size, len(record.name), len(extra), 0, 0, 0, record.attributes, offset,
    )  # fmt: skip
    return fixed + record.name + extra


def end_records(count: int, start: int, length: int) -> bytes:
    """Return what closes a zip of ``count`` entries whose directory of ``length`` bytes begins at ``start``."""
    wide = count >= _FULL16 or start >= _FULL32 or length >= _FULL32
    end64 = b""
    if wide:
        end64 = _END64.pack(b"PK\6\6", _END64.size - 12, 45, 45, 0, 0, count, count, length, start)
        end64 += _LOCATOR64.pack(b"PK\6\7", 0, start + length, 1)
    few = min(count, _FULL16)
    return end64 + _END.pack(b"PK\5\6", 0, 0, few, few, min(length, _FULL32), min(start, _FULL32), 0)


def _find_end(tail: bytes) -> int:
    """Return where the end record is: the last one whose comment ends with the file, else the last; -1 for none."""
    lowest = max(0, len(tail) - _END.size - _COMMENT)
    last = position = tail.rfind(b"PK\5\6", lowest, max(0, len(tail) - _END.size + 4))
    while position >= 0:
        comment = _END.unpack_from(tail, position)[7]
        if position + _END.size + comment == len(tail):
            return position
        position = tail.rfind(b"PK\5\6", lowest, position + 3)
    return last


def _end64(source: Source, end: int, *, wide: bool) -> tuple[int, tuple[int, int, int, int]] | None:
    """Return where the 64-bit end record is, with disk, count, length and offset; None where there is none.

    Args:
        source: of the zip.
        end: where the end record is.
        wide: it says that the 64-bit one has what it cannot say itself. Else what looks like a locator may be the end
        of an entry's name, extra field or comment.
    """
    if end < _LOCATOR64.size:
        return None
    signature, _, told, _ = _LOCATOR64.unpack(source.read(end - _LOCATOR64.size, _LOCATOR64.size))
    if signature != b"PK\6\7":
        return None
    # Bytes in front of the zip make the offset too small: then the record stands right before its locator.
    for position in (told, end - _LOCATOR64.size - _END64.size):
        if 0 <= position <= end - _LOCATOR64.size - _END64.size:
            fields = _END64.unpack(source.read(position, _END64.size))
            if fields[0] == b"PK\6\6":
                return position, (fields[4], fields[7], fields[8], fields[9])
    if not wide:
        return None
    raise PackageError("The package's zip directory is damaged: its 64-bit end record is missing.", _BROKEN)


def _records(data: bytes, prefix: int) -> list[Record]:
    records: list[Record] = []
    position = 0
    while position < len(data):
        if position + _CENTRAL.size > len(data) or data[position : position + 4] != b"PK\1\2":
            raise PackageError(f"The package's zip directory is damaged after {len(records)} entries.", _BROKEN)
        fields = _CENTRAL.unpack_from(data, position)
        middle = position + _CENTRAL.size + fields[11]
        end = middle + fields[12]
        records.append(_record(fields, data[position + _CENTRAL.size : middle], data[middle:end], prefix))
        position = end + fields[13]
    return records


def _record(fields: tuple[int, ...], name: bytes, extra: bytes, prefix: int) -> Record:
    size, packed, offset = _widen(fields[10], fields[9], fields[17], extra)
    return Record(
        _name(name, extra),
        fields[2],
        fields[4],
        fields[5],
        fields[8],
        packed,
        size,
        fields[16],
        offset + prefix,
        fields[7] << 16 | fields[6],
        _utc(extra),
    )


def _widen(size: int, packed: int, offset: int, extra: bytes) -> tuple[int, int, int]:
    """Read 64-bit values from the extra field, which has each only where the 32-bit one is full (APPNOTE 4.5.3)."""
    if _FULL32 not in (size, packed, offset):
        return size, packed, offset
    field = _extra_field(extra, 1)
    values = list(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    wide = [values.pop(0) if value == _FULL32 and values else value for value in (size, packed, offset)]
    return wide[0], wide[1], wide[2]


def _moment(date: int) -> tuple[int, int]:
    """Return time and date as a header has them."""
    return date & _FULL16, date >> 16


def _utc(extra: bytes) -> int | None:
    """Return the time of the last change, where the extended timestamp has it."""
    field = _extra_field(extra, _TIMESTAMP)
    return int(struct.unpack_from("<i", field, 1)[0]) if len(field) >= 5 and field[0] & 1 else None


def _timestamp(utc: int | None) -> bytes:
    """Return the extended timestamp; the same in both headers, as only the time of the last change is kept."""
    return struct.pack("<2HBi", _TIMESTAMP, 5, 1, utc) if utc is not None else b""


def _name(raw: bytes, extra: bytes) -> bytes:
    """Return the entry's name: the Unicode path field where it is of this very name (APPNOTE 4.6.9), else the name
    itself.
    """
    if raw.isascii() or not (field := _extra_field(extra, 0x7075)):
        return raw
    version, crc = struct.unpack_from("<BL", field.ljust(5, b"\0"))
    return field[5:] if version == 1 and crc == zlib.crc32(raw) and field[5:] else raw


def _extra_field(extra: bytes, wanted: int) -> bytes:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == wanted:
            return extra[position + 4 : position + 4 + length]
        position += 4 + length
    return b""


def _not_a_zip(source: Source) -> PackageError:
    if source.size == 0:
        return PackageError("The package is an empty file.", _BROKEN)
    if source.read(0, min(4, source.size)) == b"PK\3\4":
        return PackageError("The package is a zip that is cut off: the directory at its end is missing.", _BROKEN)
    return PackageError("The package is not a zip.", "Give a folder, a zip or an s3:// address of a zip.")
