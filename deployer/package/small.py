"""Small entries that are made here: files and symlinks that no package held before."""

import zlib
from typing import NamedTuple

from deployer.models.package import Entry, Kind
from deployer.package import zipformat


class Small(NamedTuple):
    """An entry, and its data as it will be in a zip."""

    entry: Entry
    packed: bytes


def small_file(path: str, contents: bytes, mode: int = 0o644) -> Small:
    """Return a deflated file."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(contents) + packer.flush()
    return Small(
        Entry(path, Kind.FILE, len(contents), len(packed), zlib.crc32(contents), mode, zipformat.DEFLATED, 0), packed
    )


def symlink(path: str, target: str) -> Small:
    """Return a symlink, wherever it leads."""
    data = target.encode("utf-8", "surrogateescape")
    return Small(Entry(path, Kind.SYMLINK, len(data), len(data), zlib.crc32(data), 0o755, zipformat.STORED, 0), data)
