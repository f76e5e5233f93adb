"""Bytecode files: of which source each is, and whether Python would run it although the source was changed."""

import _imp
import posixpath
import re
from typing import Final

from deployer.models.package import Entry, Kind, Package, Source
from deployer.package import members

_UNCHECKED: Final = 0b01
"""Flags of a .pyc that is told by its source's hash, and that Python does not compare with it (PEP 552)."""
_HEADER: Final = 16
_CACHE: Final = "__pycache__"


def source_of(path: str) -> str | None:
    """Return the source of a bytecode file (PEP 3147, and ``x.pyc`` beside ``x.py``); None where it is none."""
    folder, name = posixpath.split(path)
    stem, suffix = posixpath.splitext(name)
    if suffix != ".pyc":
        return None
    if posixpath.basename(folder) == _CACHE:
        folder = posixpath.dirname(folder)
        stem = re.sub(r"\.opt-\w+$", "", stem).rpartition(".")[0]
    return posixpath.join(folder, f"{stem}.py")


def find_stale(source: Source, package: Package) -> frozenset[str]:
    """Return the unchecked bytecode whose source has another hash: an incremental build was copied over a slim one.

    Args:
        source: the zip.
        package: its index.

    Raises:
        PackageError: the data of a file is damaged.
    """
    unchecked = {pyc.path: data for pyc, data in _headers(source, package) if data[4] == _UNCHECKED}
    pairs = {path: package.entries[origin] for path in unchecked if (origin := source_of(path))}
    texts = {entry.path: text for entry, text in members.unpacked(source, set(pairs.values()))}
    hashes = {path: _hash(unchecked[path], texts[entry.path]) for path, entry in pairs.items()}
    return frozenset(path for path, expected in hashes.items() if unchecked[path][8:] != expected)


def _headers(source: Source, package: Package) -> list[tuple[Entry, bytes]]:
    """Return the bytecode that has a source, with the first bytes of each."""
    files = [entry for path, entry in package.entries.items() if entry.size >= _HEADER and _has_source(package, path)]
    return [(entry, contents[:_HEADER]) for entry, contents in members.unpacked(source, files)]


def _has_source(package: Package, path: str) -> bool:
    origin = source_of(path)
    if origin is None or posixpath.basename(posixpath.dirname(path)) != _CACHE:  # x.pyc is not read beside x.py
        return False
    return origin in package.entries and package.entries[origin].kind is package.entries[path].kind is Kind.FILE


def _hash(header: bytes, text: bytes) -> bytes:
    """Return the hash of a source as the Python that made the bytecode takes it: keyed by its magic number.

    3.11 took another hash function than those before it: bytecode of those may be taken for stale, and is made anew.
    """
    return _imp.source_hash(int.from_bytes(header[:4], "little"), text)
