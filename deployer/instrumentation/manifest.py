"""Lists what is unpacked to /tmp before the runtime starts: which files, where their bytes are, and their SHA-256.

``probe_layer/unpack.py`` reads it in the sandbox and trusts nothing else: no central directory, no file name but these.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployer.models.dates import seconds_of
from deployer.models.package import Entry, Kind, Package
from probe_layer.guard import index as guard_index

VERSION: Final = 3

FOLDER: Final = ".ldeploy"
"""Where the manifest, and what belongs to it, are in the deployed package."""
NAME: Final = f"{FOLDER}/manifest.json"
INDEX: Final = f"{FOLDER}/{guard_index.NAME}"
"""The guard's index (``deployer/slim/guard``)."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A zip beside the manifest."""

    file: str

    def fields(self) -> dict[str, Any]:
        """Return its fields in the manifest."""
        return {"file": self.file}


@dataclass(frozen=True, slots=True)
class InBucket:
    """An object in S3; where its ETag is known, each request asks for it: another object is never taken for it."""

    bucket: str
    key: str
    etag: str
    bytes: int
    region: str

    def fields(self) -> dict[str, Any]:
        """Return its fields in the manifest."""
        return {
            "bucket": self.bucket,
            "key": self.key,
            "etag": self.etag,
            "bytes": self.bytes,
            "region": self.region,
        }


Place = Beside | InBucket


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file, and where its bytes are: as in a zip, behind a local header."""

    path: str
    mode: int
    size: int
    """Bytes unpacked."""
    crc32: int
    source: int
    """Which of the manifest's sources."""
    offset: int
    """Of the local header in the source."""
    packed: int
    """Bytes there, the local header left out."""
    method: int
    """0 stored, 8 raw deflate."""
    changed: int
    """When it was last changed, in seconds since 1970."""
    sha256: str
    """Of the bytes as they lie there, base64: the deployed code carries it, so Lambda's own hash protects it."""

    def row(self) -> list[Any]:
        """Return its row in the manifest: the fields in their order."""
        return [getattr(self, name) for name in self.__slots__]


@dataclass(frozen=True)
class Manifest:
    """All that is unpacked below ``/tmp/ldeploy-<label>``."""

    label: str
    """16 hex digits: another manifest for other contents."""
    sources: tuple[Place, ...]
    files: tuple[PackedFile, ...]
    links: tuple[tuple[str, str], ...] = ()
    """Path and target of each symlink."""
    folders: tuple[str, ...] = ()
    """Folders that hold nothing."""

    @property
    def root(self) -> str:
        """Where the files will be."""
        return f"/tmp/ldeploy-{self.label}"  # noqa: S108 - Lambda's only writable place

    @property
    def bytes(self) -> int:
        """Unpacked, of all files."""
        return sum(file.size for file in self.files)


def of_zip(package: Package, place: Place, digests: Mapping[str, bytes]) -> Manifest:
    """Return the manifest of a whole package.

    Args:
        package: the zip's index, which refuses paths outside the package, overlaps and duplicates.
        place: where its zip lies.
        digests: SHA-256 of each file's bytes as they lie in the zip, by path.
    """
    entries = package.entries.values()
    files = tuple(from_zip(entry, 0, digests[entry.path]) for entry in entries if entry.kind is Kind.FILE)
    return Manifest(package.label, (place,), files, links(entries), empty_folders(entries))


def from_zip(entry: Entry, source: int, digest: bytes) -> PackedFile:
    """Return a file that lies in a zip, with the SHA-256 of its packed bytes."""
    place = (source, entry.offset, entry.packed, entry.method)
    known = b64encode(digest).decode()
    return PackedFile(entry.path, entry.mode, entry.size, entry.crc32, *place, seconds_of(entry.date), known)


def links(entries: Iterable[Entry]) -> tuple[tuple[str, str], ...]:
    """Return path and target of each symlink."""
    return tuple((entry.path, entry.target) for entry in entries if entry.kind is Kind.SYMLINK)


def empty_folders(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the folders that hold no file."""
    known = list(entries)
    filled = {entry.path.rpartition("/")[0] for entry in known}
    return tuple(entry.path for entry in known if entry.kind is Kind.DIRECTORY and entry.path not in filled)


def to_json(manifest: Manifest) -> bytes:
    """Return one JSON object, the same bytes for the same manifest; names that are not UTF-8 as surrogate escapes
    (ASCII).
    """
    document = {
        "version": VERSION,
        "label": manifest.label,
        "bytes": manifest.bytes,
        "sources": [place.fields() for place in manifest.sources],
        "files": [file.row() for file in manifest.files],
        "links": manifest.links,
        "folders": manifest.folders,
    }
    return json.dumps(document, separators=(",", ":")).encode()
