"""Unpacks a zip into a folder: the same files, modes and times each time, and nothing outside of it."""

import os
from collections.abc import Iterable
from pathlib import Path

from deployer.models.dates import OURS, seconds_of
from deployer.models.package import Entry, Kind, Package, Source
from deployer.package.members import Unpacker, packed


def unpack(source: Source, package: Package, folder: Path) -> None:
    """Write every entry below a folder, symlinks last, so that nothing is written through one.

    Args:
        source: the zip.
        package: its index, which holds no name that leads out.
        folder: empty.

    Raises:
        PackageError: an entry's data is damaged.
    """
    entries = list(package.entries.values())
    for entry in entries:
        if entry.kind is Kind.DIRECTORY:
            (folder / entry.path).mkdir(parents=True, exist_ok=True)
    for entry, blocks in packed(source, (entry for entry in entries if entry.kind is Kind.FILE)):
        _write(folder / entry.path, entry, blocks)
    for entry in entries:
        if entry.kind is Kind.SYMLINK:
            place = folder / entry.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(entry.target)
    for entry in reversed(entries):  # a directory behind what lies in it, which changes its time
        _date(folder / entry.path, entry.date)
    _date(folder, OURS)


def _date(place: Path, date: int) -> None:
    seconds = seconds_of(date)
    os.utime(place, (seconds, seconds), follow_symlinks=False)


def _write(place: Path, entry: Entry, blocks: Iterable[bytes]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unpacker = Unpacker(entry)
    with place.open("xb") as file:
        for block in blocks:
            for piece in unpacker.feed(block):
                file.write(piece)
    unpacker.finish()
    place.chmod(entry.mode)
