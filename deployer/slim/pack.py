"""Packs some files inside a slim zip: puts symlinks in their places, and adds what unpacks them at start.

.ldeploy/packed.zip       the files, as they were in the slim zip
.ldeploy/manifest.json    which they are (deployer/instrumentation/manifest.py)
.ldeploy/start            the wrapper (AWS_LAMBDA_EXEC_WRAPPER)
.ldeploy/probe_layer/     what it runs
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.instrumentation.layer_zip import START, start_files
from deployer.instrumentation.manifest import FOLDER, NAME, Beside, InBucket, Place, empty_folders, of_zip, to_json
from deployer.models.function import StoredZip
from deployer.models.package import Entry, Kind, Package, Source
from deployer.models.slim import Measure
from deployer.package import index, members, open_file, zipformat
from deployer.package.small import Small, small_file, symlink
from deployer.package.zipwriter import ZipWriter

PACKED: Final = f"{FOLDER}/packed.zip"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the packed files are put if not inside the package."""

    name: str
    region: str
    function: str
    """Whose folder it is put in."""


def pack(slim: Path, package: Package, chosen: Collection[str]) -> Measure:
    """Write the same zip with the chosen files packed, in its place; the same bytes each time.

    Args:
        slim: the zip; replaced when the new one is whole.
        package: its index.
        chosen: paths of files.
    """
    inner = slim.with_name(f".{slim.name}.packed")
    try:
        with open_file(slim) as source:
            copy(source, [package.entries[path] for path in chosen], {}, inner)
            with open_file(inner) as packed:
                made = _made(packed, Beside(PACKED.rpartition("/")[2]), chosen)
                return copy(source, _staying(package, chosen), {**made, PACKED: packed}, slim)
    finally:
        inner.unlink(missing_ok=True)


def part(
    slim: Path, package: Package, chosen: Collection[str], rest: Path, bucket: Bucket
) -> tuple[Measure, StoredZip]:
    """Write the same zip with the packed files in a zip of their own; return its measure, and where the other will lie.

    Args:
        slim: the zip; replaced when the new one is whole.
        package: its index.
        chosen: paths of files.
        rest: where the zip of the chosen files is written.
        bucket: where it will be fetched from.
    """
    with open_file(slim) as source:
        measure = copy(source, [package.entries[path] for path in chosen], {}, rest)
        stored = StoredZip.of(measure, bucket.name, bucket.function)
        place = InBucket(bucket.name, stored.key, "", stored.zip_bytes, bucket.region)
        with open_file(rest) as packed:
            made = _made(packed, place, chosen)
        return copy(source, _staying(package, chosen), made, slim), stored


def _made(packed: Source, place: Place, chosen: Collection[str]) -> dict[str, Small]:
    """Return what is new in the zip: symlinks, the manifest, and what reads it."""
    package = index(packed)
    manifest = of_zip(package, place, members.digests(packed, package))
    links = [symlink(path, f"{manifest.root}/{path}") for path in chosen]
    files = [small_file(f"{FOLDER}/{name}", data, 0o755 if name == START else 0o644) for name, data in start_files()]
    return {one.entry.path: one for one in [*links, *files, small_file(NAME, to_json(manifest))]}


def _staying(package: Package, chosen: Collection[str]) -> list[Entry]:
    empty = set(empty_folders(package.entries.values()))
    return [
        entry
        for path, entry in package.entries.items()
        if path not in chosen and (entry.kind is not Kind.DIRECTORY or path in empty)
    ]


def copy(source: Source, kept: Iterable[Entry], new: Mapping[str, Small | Source], out: Path) -> Measure:
    """Copy entries of the source, still packed, together with new ones, in the order of their names."""
    old = [entry for entry in kept if entry.path not in new]
    added = [one.entry if isinstance(one, Small) else _stored(path, one) for path, one in new.items()]
    with ZipWriter(out) as writer:
        ordered = sorted([*old, *added], key=lambda entry: zipformat.name_of(entry.path))
        places = {entry.path: writer.reserve(entry) for entry in ordered}
        for entry, blocks in members.packed(source, (entry for entry in old if entry.kind is not Kind.DIRECTORY)):
            _fill(writer, places[entry.path], blocks)
        for path, one in new.items():
            _fill(writer, places[path], [one.packed] if isinstance(one, Small) else _blocks(one))
        return writer.finish()


def _stored(path: str, source: Source) -> Entry:
    """Return the entry of a whole source as a stored file."""
    crc32 = 0
    for block in _blocks(source):
        crc32 = zlib.crc32(block, crc32)
    return Entry(path, Kind.FILE, source.size, source.size, crc32, 0o644, zipformat.STORED, 0)


def _blocks(source: Source) -> Iterable[bytes]:
    return (source.read(at, min(_BLOCK, source.size - at)) for at in range(0, source.size, _BLOCK))


def _fill(writer: ZipWriter, place: int, blocks: Iterable[bytes]) -> None:
    for block in blocks:
        writer.write(place, block)
        place += len(block)
