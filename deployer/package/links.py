"""Follows a path through the symlinks of a package, as the kernel would in Lambda."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from deployer.models.package import Entry, Kind

ROOT: Final = "/var/task/"
"""Where a package is in Lambda."""
_MOST_LINKS: Final = 40
"""The kernel's own limit (path_resolution(7))."""


class Way(NamedTuple):
    """The symlinks passed, in order, and where they lead."""

    links: tuple[str, ...]
    end: str | None
    """The entry reached; None where it is outside the package, not there, or the links go round."""
    escapes: bool
    """It climbs out of the package by ``..``."""


def follow(entries: Mapping[str, Entry], path: str) -> Way:
    """Follow the symlinks on ``path``, which is relative to the package's root."""
    links: list[str] = []
    here = ""
    todo = path.split("/")[::-1]
    while todo:
        part = todo.pop()
        if part == ".." and not here:
            return Way(tuple(links), None, escapes=True)
        here = _step(here, part)
        entry = entries.get(here)
        if entry is None or entry.kind is not Kind.SYMLINK or part in ("", ".", ".."):
            continue
        links.append(here)
        if len(links) > _MOST_LINKS or _is_outside(entry.target):
            return Way(tuple(dict.fromkeys(links)), None, escapes=False)
        here = "" if entry.target.startswith("/") else here.rpartition("/")[0]
        todo.extend(entry.target.removeprefix(ROOT).split("/")[::-1])
    return Way(tuple(links), here if here in entries else None, escapes=False)


def _step(here: str, part: str) -> str:
    if part in ("", "."):
        return here
    if part == "..":
        return here.rpartition("/")[0]
    return f"{here}/{part}" if here else part


def _is_outside(target: str) -> bool:
    """Check for an absolute target: it leads to a layer, to /tmp or to the system, which the package cannot know."""
    return target.startswith("/") and not target.startswith(ROOT)
