"""Finds the installed distributions inside a package, and which files each of them brought.

Source: Recording installed projects (https://packaging.python.org/en/latest/specifications/recording-installed-packages/).
"""

import csv
import io
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from deployer.models.package import Distribution, Entry, Kind, Package, Source
from deployer.package import members

_SUFFIXES: Final = (".dist-info", ".egg-info")
_READ: Final = ("METADATA", "PKG-INFO", "RECORD", "top_level.txt")
_LONGEST: Final = 32 << 20
"""Metadata longer than this is not read; real ones have a few megabytes at most."""
_HEAD: Final = 64 << 10
"""Bytes that are kept of each: names and versions stand at the top."""


def distributions(source: Source, package: Package) -> tuple[Distribution, ...]:
    """Return each ``*.dist-info`` and ``*.egg-info`` of a package, also in nested folders, sorted by folder.

    ``files`` are those that RECORD lists and the package holds; without a RECORD, all below its top-level
    names; empty where neither is known.

    Raises:
        PackageError: the data of a metadata file is damaged.
    """
    found = members.packed(source, metadata_files(package))
    texts = {entry.path: condensed(package, entry.path, members.contents(entry, blocks)) for entry, blocks in found}
    return described(package, texts)


def metadata_files(package: Package) -> list[Entry]:
    """Return the files that tell which distributions a package holds."""
    wanted: list[Entry] = []
    for folder in _folders(package):
        for path in (folder, *(f"{folder}/{name}" for name in _READ)):
            entry = package.entries.get(path)
            if entry is not None and entry.kind is Kind.FILE and entry.size <= _LONGEST:
                wanted.append(entry)
    return wanted


def condensed(package: Package, path: str, pieces: Iterable[bytes]) -> bytes:
    """Return what is needed of a metadata file, however long it is: its head, or the rows of files that are there.

    Args:
        package: that holds the file.
        path: of the file.
        pieces: its contents.
    """
    if not path.endswith("/RECORD"):
        head = bytearray()
        for piece in pieces:
            head += piece[: _HEAD - len(head)]
        return bytes(head)
    parent = posixpath.dirname(posixpath.dirname(path))
    rows: dict[str, str] = {}
    with suppress(csv.Error):
        for row in csv.reader(_lines(pieces)):
            if row and (found := _inside(parent, row[0])) in package.entries:
                rows[found] = row[0]
    text = io.StringIO()
    csv.writer(text).writerows([row] for row in rows.values())
    return text.getvalue().encode("utf-8", "surrogateescape")


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.decode("utf-8", "surrogateescape") for line in lines)
    yield rest.decode("utf-8", "surrogateescape")


def described(package: Package, metadata: Mapping[str, bytes]) -> tuple[Distribution, ...]:
    """Return each distribution, sorted by folder.

    Args:
        package: that holds them.
        metadata: the contents of ``metadata_files``, ``condensed``, by path.
    """
    folders = _folders(package)
    texts = {path: contents.decode("utf-8", "surrogateescape") for path, contents in metadata.items()}
    tops = _by_top_level(package, {posixpath.dirname(folder) for folder in folders})
    return tuple(_distribution(package, folder, texts, tops) for folder in folders)


def _folders(package: Package) -> list[str]:
    return [path for path in package.entries if path.endswith(_SUFFIXES)]


def _distribution(package: Package, folder: str, texts: dict[str, str], tops: dict[str, list[str]]) -> Distribution:
    parent, base = posixpath.split(folder)
    guess = re.split("-(?=[0-9])", base.rpartition(".")[0], maxsplit=1)
    # An egg-info may be a file itself: it is then what PKG-INFO is in a folder.
    metadata = next((texts[path] for path in _metadata_paths(folder) if path in texts), "")
    name = _field(metadata, "Name") or guess[0]
    version = _field(metadata, "Version") or (guess[1].partition("-")[0] if len(guess) > 1 else "")
    record = texts.get(f"{folder}/RECORD")
    if record is not None:
        files = _recorded(package, parent, record)
    else:
        files = frozenset(_below_top_levels(parent, texts.get(f"{folder}/top_level.txt"), name, tops))
    return Distribution(name, version, folder, files)


def _metadata_paths(folder: str) -> tuple[str, ...]:
    return f"{folder}/METADATA", f"{folder}/PKG-INFO", folder


def _field(metadata: str, name: str) -> str:
    """Return a field of the header, which ends at the first empty line."""
    head = re.split(r"\r?\n\r?\n", metadata, maxsplit=1)[0]
    found = re.search(rf"^{name}:[ \t]*(.*?)[ \t\r]*$", head, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def _recorded(package: Package, parent: str, record: str) -> frozenset[str]:
    try:
        rows = [row[0] for row in csv.reader(record.splitlines()) if row]
    except csv.Error:
        return frozenset()
    return frozenset(
        path for row in rows if (path := _inside(parent, row)) in package.entries and _is_file(package, path)
    )


def _inside(parent: str, row: str) -> str:
    """Return where a row's file is in the package.

    ``../../bin/x`` is what ``pip install --target`` writes for a script that it puts in ``bin/x``.
    """
    path = posixpath.normpath(posixpath.join(parent, row))
    return path if not path.startswith("../") else posixpath.join(parent, re.sub(r"^(\.\./)+", "", path))


def _is_file(package: Package, path: str) -> bool:
    return package.entries[path].kind is not Kind.DIRECTORY


def _below_top_levels(parent: str, top_level: str | None, name: str, tops: dict[str, list[str]]) -> Iterator[str]:
    """Return the files of a distribution by its top-level names; one that names none has one of its own name, as most
    do.
    """
    plain = re.sub(r"[-_.]+", "_", name)
    for top in top_level.split() if top_level is not None else {plain, plain.lower()}:
        for path in (top, f"{top}.py"):
            yield from tops.get(posixpath.join(parent, path), ())


def _by_top_level(package: Package, parents: set[str]) -> dict[str, list[str]]:
    """Group files by the direct child of a folder that holds distributions."""
    tops: dict[str, list[str]] = defaultdict(list)
    for path, entry in package.entries.items():
        if entry.kind is Kind.DIRECTORY:
            continue
        top = path
        while top:
            parent = posixpath.dirname(top)
            if parent in parents:
                tops[top].append(path)
            top = parent
    return tops
