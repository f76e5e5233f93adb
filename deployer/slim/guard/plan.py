"""What was dropped from a full package -> which links take its place, and which rows the index has.

A dropped file is a link to its place below /tmp; a folder of which nothing is kept is one link. A folder that the
loader looks in stays, with a link a file: it remembers a folder that is not there, and never looks again.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from deployer.models.package import Entry, Kind, Package
from deployer.package import links
from deployer.slim.guard.needs import SEARCHED, Libraries
from deployer.whitelist.rare import NO_USE

TREE: Final = "/tmp/.ldeploy-guard/t"  # noqa: S108 - Lambda's only writable place
"""Where links lead: ``TREE`` of ``probe_layer/guard/guard.h``."""
_BYTECODE: Final = re.compile(r"((?:.*/)?)__pycache__/([^/.]+)\.[^/]*\.pyc")

Role = Literal["file", "folder", "keeper", "soname"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One row of the index, without what its bytes are."""

    path: str
    role: Role
    entry: Entry | None = None
    """Of a file: where its contents lie in the full package; of a symlink that was dropped, those it leads to."""
    needs: tuple[str, ...] = ()
    """Paths of rows that are brought with it."""
    looked_at: bool = False
    """It was emptied: stat is answered by the index, to open it is a miss."""


@dataclass(frozen=True)
class GuardPlan:
    """What becomes of a slim package that is guarded."""

    rows: tuple[Planned, ...] = ()
    links: tuple[str, ...] = ()
    """Paths that become links of the guard."""
    restored: tuple[Entry, ...] = ()
    """Symlinks and empty folders of the full package, which are kept as they were: they cost nothing."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Dropped files that nobody could use at run time, by their kind, and their bytes: not guarded."""

    @property
    def files(self) -> tuple[Planned, ...]:
        """The rows that have contents."""
        return tuple(row for row in self.rows if row.role == "file")


def plan(full: Package, slim: Package, libraries: Libraries, unguarded: Collection[str] = ()) -> GuardPlan:
    """Return what is guarded.

    Args:
        full: the package as it was.
        slim: what was made of it: kept, trimmed, emptied, packed, compiled.
        libraries: of the full package.
        unguarded: paths that are not to be brought back: what a drop rule takes although it was touched.
    """
    return _Planner(full, slim, libraries, frozenset(unguarded)).plan()


def without_links(package: Package) -> Package:
    """Return a guarded package without the links that stand for what was dropped."""
    stand_ins = f"{TREE}/"
    kept = {path: entry for path, entry in package.entries.items() if not entry.target.startswith(stand_ins)}
    return replace(package, entries=kept)


class _Planner:
    def __init__(self, full: Package, slim: Package, libraries: Libraries, unguarded: frozenset[str]) -> None:
        self._full, self._slim, self._libraries = full.entries, slim.entries, libraries
        files = {path: entry for path, entry in full.entries.items() if entry.kind is Kind.FILE}
        self._there = {path for path, entry in slim.entries.items() if entry.kind is not Kind.DIRECTORY}
        self._emptied = {path for path in self._there & files.keys() if _is_emptied(slim.entries[path], files[path])}
        self._replaced = {path for path in files.keys() - self._there if self._is_replaced(path, files)}
        missing = {path for path in files.keys() - self._there - self._replaced if path not in unguarded}
        self._useless = {path: kind for path in missing if (kind := _useless(path, files))}
        self._dropped: dict[str, Entry] = {path: files[path] for path in missing - self._useless.keys()}
        self._dropped |= {path: files[path] for path in self._emptied}
        self._restored: list[Entry] = []
        self._add_symlinks(unguarded)

    def _is_replaced(self, path: str, files: Collection[str]) -> bool:
        """Whether its bytecode has taken a source's place."""
        return path.endswith(".py") and path + "c" in self._there and path + "c" not in files

    def _add_symlinks(self, unguarded: frozenset[str]) -> None:
        """A symlink is served as a copy of what it leads to, or kept where that is kept, or a folder."""
        for path, entry in self._full.items():
            if entry.kind is not Kind.SYMLINK or path in self._there or path in unguarded:
                continue
            end = links.follow(self._full, path).end
            if end in self._dropped and end not in self._emptied:
                self._dropped[path] = self._dropped[end]
            elif end in self._there or (end is not None and self._full[end].kind is Kind.DIRECTORY):
                self._restored.append(entry)

    def plan(self) -> GuardPlan:
        real = self._real_folders()
        gone = {parent for path in self._dropped for parent in _parents(path)} - real
        hollow = self._hollow_folders(real | gone)
        gone |= {folder for folder in hollow if any(parent in gone for parent in _parents(folder))}
        tops = {folder for folder in gone if not any(parent in gone for parent in _parents(folder))}
        own = {path for path in self._dropped if not any(parent in tops for parent in _parents(path))}
        kept_hollow = [self._full[folder] for folder in hollow - gone if folder not in self._slim]
        return GuardPlan(
            tuple(self._rows(gone)),
            tuple(sorted(tops | own)),
            (*self._restored, *kept_hollow),
            _amounts(self._useless, self._full),
        )

    def _real_folders(self) -> set[str]:
        """Folders of which something is kept, that are kept themselves, or that the loader looks in."""
        kept = {*self._there, *self._replaced, *(entry.path for entry in self._restored)}
        searched = {*SEARCHED, *(place for path in self._there for place in self._libraries.places.get(path, ()))}
        listed = {path for path, entry in self._slim.items() if entry.kind is Kind.DIRECTORY}
        return {parent for path in kept for parent in _parents(path)} | {
            one for folder in searched | listed for one in (folder, *_parents(folder))
        }

    def _hollow_folders(self, known: Collection[str]) -> set[str]:
        """Folders in which nothing was."""
        filled = {parent for path in self._full for parent in _parents(path)}
        folders = (path for path, entry in self._full.items() if entry.kind is Kind.DIRECTORY)
        return {path for path in folders if path not in filled and path not in known}

    def _rows(self, gone: Collection[str]) -> Iterator[Planned]:
        rows = {path: Planned(path, "file", entry) for path, entry in self._dropped.items()}
        rows |= {path: Planned(path, "folder") for path in gone}
        wanted = self._needed()
        for path in {*wanted, *(one for needs in wanted.values() for one in needs)} - rows.keys():
            rows[path] = Planned(path, "keeper")
        for path, row in rows.items():
            yield Planned(path, row.role, row.entry, wanted.get(path, ()), looked_at=path in self._emptied)
        yield from self._sonames()

    def _needed(self) -> dict[str, tuple[str, ...]]:
        """What each library brings with it. Where one of that name is kept, that was loaded in its stead."""
        found = {}
        for path, needs in self._libraries.needs.items():
            if path in self._dropped:
                found[path] = tuple(one for one in needs if one in self._dropped or one in self._there)
            elif path in self._there and any(self._is_only_dropped(one) for one in needs):
                found[path] = tuple(one for one in needs if one in self._dropped)
        return {path: needs for path, needs in found.items() if needs}

    def _is_only_dropped(self, path: str) -> bool:
        same_name = self._libraries.by_name.get(path.rpartition("/")[2], ())
        return path in self._dropped and not any(one in self._there for one in same_name)

    def _sonames(self) -> Iterator[Planned]:
        for name, paths in self._libraries.by_name.items():
            dropped = tuple(path for path in paths if path in self._dropped)
            if dropped and not any(path in self._there for path in paths):
                needs = dict.fromkeys(
                    [*dropped, *(one for path in dropped for one in self._libraries.needs.get(path, ()))]
                )
                yield Planned(name, "soname", needs=tuple(one for one in needs if one in self._dropped))


def _is_emptied(slim: Entry, full: Entry) -> bool:
    return slim.kind is Kind.FILE and not slim.size and bool(full.size)


def _useless(path: str, files: Collection[str]) -> str:
    """Why nobody needs a file at run time; empty where somebody may."""
    if path.endswith(NO_USE):
        return "for linkers"
    found = _BYTECODE.fullmatch(path)
    return "bytecode of a source" if found and f"{found[1]}{found[2]}.py" in files else ""


def _amounts(useless: Mapping[str, str], entries: Mapping[str, Entry]) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for path, kind in useless.items():
        amounts[kind] = amounts.get(kind, 0) + entries[path].size
    return amounts


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
