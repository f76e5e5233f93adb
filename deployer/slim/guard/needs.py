"""Which libraries of a package need which others, as the dynamic loader would find them (ld.so(8))."""

import posixpath
import re
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from deployer.slim.buffers import Contents
from deployer.slim.transforms.elf_format import Segment, UnusualError, read_header, read_segments

LIBRARY: Final = re.compile(r".*\.so(\.[\d.]+)?")
SEARCHED: Final = ("", "lib")
"""Folders of a package that are on Lambda's LD_LIBRARY_PATH."""
_DYNAMIC: Final = 2
_NEEDED, _STRINGS, _RPATH, _RUNPATH = 1, 5, 15, 29
_ENTRY: Final = struct.Struct("<QQ")
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Dynamic:
    """What a library or program asks of the loader."""

    needed: tuple[str, ...] = ()
    """Names, such as ``libz.so.1``."""
    places: tuple[str, ...] = ()
    """Folders to look in, as written: ``$ORIGIN/../lib``."""


@dataclass(frozen=True)
class Libraries:
    """The libraries and programs of a package."""

    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path -> the paths of all that it needs, directly or not."""
    by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """File name -> the paths of the libraries that are called so."""
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path -> the folders of the package that the loader looks in for it."""


def read_dynamic(contents: Contents) -> Dynamic:
    """Return what an ELF file asks of the loader; nothing where it is none, or a static one.

    Source: System V gABI, chapter 5, "Dynamic Section".
    """
    try:
        segments = read_segments(contents, read_header(contents))
        part = next((segment for segment in segments if segment.p_type == _DYNAMIC), None)
        if part is None:
            return Dynamic()
        tags = list(_ENTRY.iter_unpack(contents[part.p_offset : part.p_offset + part.p_filesz // 16 * 16]))
        strings = _offset(segments, next(value for tag, value in tags if tag == _STRINGS))
        needed = tuple(_text(contents, strings + value) for tag, value in tags if tag == _NEEDED)
        paths = [_text(contents, strings + value) for tag, value in tags if tag in (_RPATH, _RUNPATH)]
        return Dynamic(needed, tuple(place for path in paths for place in path.split(":") if place))
    except (UnusualError, StopIteration, struct.error):
        return Dynamic()


def _offset(segments: Sequence[Segment], address: int) -> int:
    """Raises StopIteration where no loaded segment holds the address."""
    held = (segment for segment in segments if segment.loaded and 0 <= address - segment.p_vaddr < segment.p_filesz)
    part = next(held)
    return address - part.p_vaddr + part.p_offset


def _text(contents: Contents, start: int) -> str:
    return bytes(contents[start : start + _LONGEST]).partition(b"\0")[0].decode("utf-8", "surrogateescape")


def is_candidate(path: str, mode: int) -> bool:
    """Return whether a file may be a library or a program, by its name."""
    name = posixpath.basename(path)
    return bool(LIBRARY.fullmatch(name)) or (bool(mode & 0o111) and "." not in name)


def resolve(dynamics: Mapping[str, Dynamic], paths: Sequence[str]) -> Libraries:
    """Return which of a package's libraries need which others.

    A name is looked for where the loader would: in the folders that the file names, on LD_LIBRARY_PATH, and, as it may
    have been loaded before by another, anywhere in the package.

    Args:
        dynamics: path -> what it asks for.
        paths: of all files and symlinks of the package.
    """
    known = set(paths)
    named: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if LIBRARY.fullmatch(posixpath.basename(path)):
            named[posixpath.basename(path)].append(path)
    places = {path: tuple(_places(path, dynamic)) for path, dynamic in dynamics.items()}
    direct = {}
    for path, dynamic in dynamics.items():
        tries = ([*_in(places[path], name), *_in(SEARCHED, name), *named.get(name, ())] for name in dynamic.needed)
        hits = (next((one for one in each if one in known and one != path), None) for each in tries)
        direct[path] = tuple(hit for hit in hits if hit)
    needs = {path: tuple(_closure(direct, path)) for path in direct}
    return Libraries(needs, {name: tuple(found) for name, found in named.items()}, places)


def _places(path: str, dynamic: Dynamic) -> Iterator[str]:
    origin = posixpath.dirname(path) or "."
    for place in dynamic.places:
        if "ORIGIN" in place:
            yield posixpath.normpath(place.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin))


def _in(folders: Sequence[str], name: str) -> Iterator[str]:
    return (posixpath.normpath(posixpath.join(folder, name)) for folder in folders)


def _closure(direct: Mapping[str, tuple[str, ...]], path: str) -> list[str]:
    seen: dict[str, None] = {}
    left = list(direct[path])
    while left:
        one = left.pop(0)
        if one != path and one not in seen:
            seen[one] = None
            left += direct.get(one, ())
    return list(seen)
