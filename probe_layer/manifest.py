"""What is unpacked before the runtime starts, and by which requests: ``instrumentation/manifest.py`` wrote it."""

from __future__ import annotations

import json
import os
from typing import Any, Iterator, NamedTuple

from probe_layer.entry import LONGEST_HEADER, File
from probe_layer.fetch import Beside, Bucket, UnpackError

VERSION = 3
_BATCH = 1 << 22  # bytes fetched by one request, unless one file is longer
_GAP = 1 << 16  # bytes that are read past, so that a request goes on


class Manifest(NamedTuple):
    """What is to be unpacked."""

    label: str
    sources: list[Any]
    files: list[File]
    links: list[list[str]]
    folders: list[str]


class Batch(NamedTuple):
    """Files that lie behind each other, fetched by one request."""

    source: Any
    files: list[File]
    end: int


def read_manifest(place: str) -> Manifest:
    """The manifest, each path of it looked at.

    Raises:
        UnpackError: it is none, or leads out of the root.
    """
    try:
        with open(place, "rb") as file:
            fields = json.load(file)
        if fields["version"] != VERSION:
            raise ValueError("it is of version %s" % fields["version"])
        beside = os.path.dirname(place)
        sources = [Beside(os.path.join(beside, each["file"])) if "file" in each else Bucket(each)
                   for each in fields["sources"]]  # fmt: skip
        manifest = Manifest(
            fields["label"], sources, [File(*row) for row in fields["files"]], fields["links"], fields["folders"]
        )
        for path in [manifest.label, *paths_of(manifest)]:
            if not all(name not in {"", ".", ".."} and "\0" not in name for name in path.split("/")):
                raise ValueError("the path %r leads out of the package" % path)
        return manifest
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnpackError(
            "unpack-damaged", "%s cannot be read (%s): run ldeploy probe again" % (place, error)
        ) from error


def paths_of(manifest: Manifest) -> Iterator[str]:
    """Every path that will be made."""
    for file in manifest.files:
        yield file.path
    for path, _ in manifest.links:
        yield path
    yield from manifest.folders


def place_of(root: str, path: str) -> bytes:
    """A path's place on the disk; names that are not UTF-8 keep their bytes."""
    return os.fsencode(root) + b"/" + path.encode("utf-8", "surrogateescape")


def batches(sources: list[Any], missing: list[File]) -> list[Batch]:
    """Requests for what is missing, the longest first: the last ones to end are short."""
    found: list[Batch] = []
    for number, source in enumerate(sources):
        files = sorted((file for file in missing if file.source == number), key=lambda file: file.offset)
        ends = [file.offset for file in files[1:]] + [source.end]
        for file, limit in zip(files, ends):
            end = min(limit, file.offset + file.packed + LONGEST_HEADER)
            last = found[-1] if found and found[-1].source is source else None
            if last and file.offset - last.end < _GAP and end - last.files[0].offset <= _BATCH:
                last.files.append(file)
                found[-1] = last._replace(end=end)
            else:
                found.append(Batch(source, [file], end))
    return sorted(found, key=lambda batch: batch.files[0].offset - batch.end)
