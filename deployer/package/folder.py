"""Packs a folder into a zip that is the same, byte for byte, whenever the folder holds the same files."""

import os
import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, NamedTuple, NoReturn, cast

from deployer.errors import PackageError
from deployer.models.dates import date_of_contents
from deployer.models.package import Entry, Kind
from deployer.package import zipformat
from deployer.package.zipwriter import Advance, ZipWriter

_THREADS: Final = 2
_AHEAD: Final = 8
"""Files packed and not yet written."""
_IN_MEMORY: Final = 4 << 20
"""Of each file packed; more is put on disk."""
_BLOCK: Final = 1 << 20
_LEVEL: Final = 6
_ADVICE: Final = "Make it readable, or take it out of the folder."
_LAMBDA_ROOTS: Final = ("opt", "tmp", "var", "mnt", "usr", "lib", "lib64", "bin", "etc", "dev", "proc")


class _Found(NamedTuple):
    """One entry of the folder: where it is on disk, and what it was when it was found."""

    path: str
    place: Path
    status: os.stat_result


class _Packed(NamedTuple):
    """One entry, its data packed and waiting to be written."""

    entry: Entry
    data: BinaryIO


def pack_folder(folder: Path, out: Path, advance: Advance | None = None, without: str = "") -> None:
    """Write ``out`` from a folder: sorted, with fixed modes and dates that follow from the contents; keep symlinks and
    empty directories.

    Memory does not grow with the folder.

    Args:
        folder: becomes the root of the package.
        out: written beside, and renamed at the end; what stood there is replaced.
        advance: called with the unpacked bytes that are done since its last call.
        without: the one child of the folder that is left out; empty for none.

    Raises:
        PackageError: the folder is not there, is empty, or holds something that cannot be packed: a socket or
            device, an unreadable file, a symlink that leads out of it, a file that changes meanwhile.
    """
    if not folder.is_dir():
        raise PackageError(f"{folder} is not a folder.", "Check the path of the package.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise PackageError(
            f"{out} lies inside the folder that is to be packed.",
            "Put what belongs into the package in a folder of its own, and give that.",
        )
    found = [item for item in _walk(folder) if item.path.partition("/")[0] != without]
    if not any(not stat.S_ISDIR(item.status.st_mode) for item in found):
        raise PackageError(f"{folder} holds no files.", "Check that the build wrote its files to this place.")
    with ZipWriter(out) as writer:
        for packed in _pack_all(folder, found, out.parent):
            _copy(writer, packed)
            if advance is not None:
                advance(packed.entry.size)
        writer.finish()


def _walk(folder: Path) -> list[_Found]:
    """Yield all files, symlinks and empty directories, in the order of their paths as bytes."""
    found: list[_Found] = []
    for top, folders, names in os.walk(folder, onerror=_unreadable):
        places = [Path(top, name) for name in names]
        places += [place for name in folders if (place := Path(top, name)).is_symlink()]
        if not folders and not names and Path(top) != folder:
            places.append(Path(top))
        found += [_Found(place.relative_to(folder).as_posix(), place, place.lstat()) for place in places]
    return sorted(found, key=lambda item: zipformat.name_of(item.path))


def _unreadable(error: OSError) -> NoReturn:
    raise PackageError(f"{error.filename} cannot be read: {error.strerror}.", _ADVICE) from error


def _pack_all(folder: Path, found: list[_Found], spool: Path) -> Iterator[_Packed]:
    """Yield each entry packed, in order; zlib works outside the interpreter's lock, so threads help."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future[_Packed]] = deque()
        try:
            for item in found:
                waiting.append(pool.submit(_pack, folder, item, spool))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
            for future in waiting:
                if not future.cancelled() and not future.exception():
                    future.result().data.close()


def _pack(folder: Path, item: _Found, spool: Path) -> _Packed:
    try:
        if stat.S_ISREG(item.status.st_mode):
            return _pack_file(item, spool)
        if stat.S_ISLNK(item.status.st_mode):
            return _pack_symlink(folder, item)
    except OSError as error:
        raise PackageError(f"{item.place} cannot be packed: {error.strerror}.", _ADVICE) from error
    if not stat.S_ISDIR(item.status.st_mode):
        raise PackageError(f"{item.place} is neither file, folder nor symlink.", "Take it out of the folder.")
    return _Packed(Entry(item.path, Kind.DIRECTORY, 0, 0, 0, 0o755, zipformat.STORED, 0), BytesIO())


def _pack_file(item: _Found, spool: Path) -> _Packed:
    data = cast(BinaryIO, SpooledTemporaryFile(_IN_MEMORY, dir=str(spool)))  # noqa: SIM115 (closed when copied)
    try:
        return _Packed(_fill(item, data), data)
    except BaseException:
        data.close()
        raise


def _fill(item: _Found, data: BinaryIO) -> Entry:
    """Pack a file into ``data``: deflated, or as it is where that is not longer."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    size, crc32 = again = _spool(item.place, data, deflate.compress)
    data.write(deflate.flush())
    packed, method = data.tell(), zipformat.DEFLATED
    if packed >= size:
        data.seek(0)
        data.truncate()
        packed, method = size, zipformat.STORED
        again = _spool(item.place, data, bytes)
    now = item.place.lstat()
    is_same = now.st_mtime_ns == item.status.st_mtime_ns and now.st_size == item.status.st_size == size
    if not is_same or again != (size, crc32):
        raise PackageError(f"{item.place} was changed while it was packed.", "Wait for the build to end and try again.")
    mode = 0o755 if item.status.st_mode & 0o111 else 0o644
    return Entry(item.path, Kind.FILE, size, packed, crc32, mode, method, 0, date=date_of_contents(crc32))


def _spool(place: Path, data: BinaryIO, pack: Callable[[bytes], bytes]) -> tuple[int, int]:
    """Copy what is read to the spool; return its size and CRC-32."""
    size = crc32 = 0
    with place.open("rb") as file:
        while block := file.read(_BLOCK):
            size, crc32 = size + len(block), zlib.crc32(block, crc32)
            data.write(pack(block))
    return size, crc32


def _pack_symlink(folder: Path, item: _Found) -> _Packed:
    target = os.readlink(item.place)  # noqa: PTH115 (pathlib would tidy it)
    _refuse_foreign(folder, item.place, target)
    data = zipformat.name_of(target)
    crc32 = zlib.crc32(data)
    entry = Entry(item.path, Kind.SYMLINK, len(data), len(data), crc32, 0o755, zipformat.STORED, 0, target)
    return _Packed(entry, BytesIO(data))


def _refuse_foreign(folder: Path, place: Path, target: str) -> None:
    """Refuse a link out of the folder, which leads nowhere in Lambda, but not one to a layer, /tmp or the system."""
    if target.startswith("/"):
        known = Path(target).parts[1:2] and Path(target).parts[1] in _LAMBDA_ROOTS
        leaves = not known or Path(target).is_relative_to(folder.resolve())
    else:
        inside = os.path.normpath(place.parent.relative_to(folder) / target)
        leaves = inside == ".." or inside.startswith("../")
    if leaves:
        raise PackageError(
            f"The symlink {place} leads to {target}, which is not in the package.",
            "Make it a relative link inside the folder, or put the file itself there.",
        )


def _copy(writer: ZipWriter, packed: _Packed) -> None:
    offset = writer.reserve(packed.entry)
    with packed.data as data:
        data.seek(0)
        while block := data.read(_BLOCK):
            writer.write(offset, block)
            offset += len(block)
