"""What happens to each kept path on its way into the slim zip; the whitelist's decisions stay as they are."""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from deployer.errors import PackageError
from deployer.models.package import Entry, Kind, Package
from deployer.models.whitelist import Decision, Reason, Whitelist
from deployer.package import links, zipformat
from deployer.slim.transforms.bytecode import COMPILERS, bytecode_path
from deployer.slim.transforms.records import RECORD

_LIBRARY: Final = re.compile(r".*\.so(\.[\d.]+)?|[^.]+")
"""``x.so``, ``libx.so.1.2``, and programs, which have no suffix; the first bytes tell whether it is one."""
_NOT_IMPORTED: Final = frozenset({Reason.PACKAGE_INIT, Reason.METADATA, Reason.LICENCE, Reason.BROWSED})
_NAMED: Final = frozenset({Reason.LOOKED, Reason.BROWSED})
"""Of what is kept for these reasons, no contents were read."""
_SCAN: Final = 100
"""So many files of one name, or in one folder, that were only looked at: a scan, not a question about one of them."""


class Action(StrEnum):
    """What happens to a kept file."""

    COPY = "copied"
    """As it lies, still packed."""
    TRIM = "trimmed"
    """Where it is a shared library or an executable (deployer/slim/transforms/elf.py); else copied."""
    LIST = "listed"
    """A distribution's list of its files: the rows of those that are kept (deployer/slim/records.py)."""
    COMPILE = "compiled"
    """A copied source, bytecode added (deployer/slim/transforms/bytecode.py)."""
    REPLACE = "replaced"
    """A source that its bytecode takes the place of, where nothing may read it."""
    EMPTY = "emptied"
    """Was only looked at in a scan: its name is needed, its contents are not."""


@dataclass(frozen=True)
class Settings:
    """Which steps follow the whitelist."""

    trim: bool = True
    """Libraries without what is never loaded, and lists of files without those that are not kept."""
    bytecode: bool = True
    """Bytecode for kept sources."""
    source: bool = True
    """Sources stay beside their bytecode."""
    best: bool = False
    """Everything packed again, as small as it gets: slow."""
    empty: bool = False
    """What was only looked at in a scan becomes empty files."""
    fit: bool = True
    """What does not fit then is packed, and unpacked at start."""

    def __str__(self) -> str:
        """The steps that can change what a function does, with the option that leaves each out."""
        named = {
            "libraries trimmed (--no-trim)": self.trim,
            "bytecode added (--no-bytecode)": self.bytecode and self.source,
            "sources replaced by bytecode (--source)": self.bytecode and not self.source,
            "scanned files emptied (--no-empty)": self.empty,
        }
        return ", ".join(name for name, done in named.items() if done)


@dataclass(frozen=True)
class Recipe:
    """What is kept of a package, in the order of the zip, and what happens to each file of it."""

    kept: tuple[Entry, ...]
    actions: Mapping[str, Action]
    """By path, of those that are not merely copied."""
    runtime: str = ""
    """As Lambda names it: ``python3.11``."""
    compilers: frozenset[str] = COMPILERS
    """Those that may be there at run time, of the packages that read the source of functions."""
    settings: Settings = Settings(trim=False, bytecode=False)

    def of(self, action: Action) -> tuple[str, ...]:
        """The paths that this happens to."""
        return tuple(path for path, chosen in self.actions.items() if chosen is action)

    @property
    def changed(self) -> frozenset[str]:
        """The paths whose contents may be others than the package's."""
        return frozenset(path for path, action in self.actions.items() if action is not Action.COMPILE)

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths that are compiled."""
        return (*self.of(Action.COMPILE), *self.of(Action.REPLACE))

    @property
    def work(self) -> int:
        """Bytes to be done: packed ones to be copied, and sources to be compiled."""
        sizes = {entry.path: entry.size for entry in self.kept}
        return sum(entry.packed for entry in self.kept) + sum(sizes[path] for path in self.sources)


def as_it_lies(package: Package, keep: Iterable[str]) -> Recipe:
    """The kept paths, all copied; a directory is kept where nothing below it is.

    Raises:
        PackageError: a path is not in the package, or nothing is kept.
    """
    wanted = set(keep)
    if missing := sorted(wanted - package.entries.keys()):
        raise PackageError(
            f"The whitelist keeps {missing[0]!r}, which the package does not hold.",
            "Use the package that the whitelist was made for, or run `ldeploy shrink` again.",
        )
    files = [path for path in wanted if package.entries[path].kind is not Kind.DIRECTORY]
    if not files:
        raise PackageError("The whitelist keeps no file of the package.", "Keep the handler's file at least.")
    filled = {parent for path in files for parent in _parents(path)}
    return Recipe(tuple(package.entries[path] for path in sorted(wanted - filled, key=zipformat.name_of)), {})


def recipe(
    package: Package, whitelist: Whitelist, settings: Settings, runtime: str, *, layered: bool = False
) -> Recipe:
    """What happens to each path that a whitelist keeps.

    Args:
        whitelist: of this package.
        settings: which steps are wanted.
        runtime: as Lambda names it, ``python3.11``.
        layered: whether the function has layers, which may hold any module.

    Raises:
        PackageError: as ``as_it_lies``.
    """
    copied = as_it_lies(package, whitelist.kept())
    kept = {entry.path: entry for entry in copied.kept if entry.kind is Kind.FILE}
    actions: dict[str, Action] = {}
    for wanted, choose in _passes(settings, runtime, package):
        if wanted:
            actions |= choose(kept, whitelist.decisions)
    there = COMPILERS if layered else COMPILERS & {path.partition("/")[0] for path in package.entries}
    return replace(copied, actions=actions, runtime=runtime, compilers=there, settings=settings)


# -- passes: each names what it acts on; a later one wins ----------------------------------------------------------

_Kept = Mapping[str, Entry]
_Pass = Callable[[_Kept, Mapping[str, Decision]], dict[str, Action]]


def _passes(settings: Settings, runtime: str, package: Package) -> Iterator[tuple[bool, _Pass]]:
    yield settings.trim, lambda kept, _: _libraries(kept)
    yield settings.trim, lambda kept, _: {path: Action.LIST for path in kept if RECORD.fullmatch(path)}
    yield settings.bytecode, lambda kept, decisions: _sources(kept, decisions, package, runtime, settings)
    yield settings.empty, _scanned


def _libraries(kept: _Kept) -> dict[str, Action]:
    return {path: Action.TRIM for path in kept if _LIBRARY.fullmatch(posixpath.basename(path))}


def _imported(kept: _Kept, decisions: Mapping[str, Decision]) -> _Kept:
    """Modules, but those that nothing has opened and that are kept for the sake of others."""
    modules = {path: entry for path, entry in kept.items() if path.endswith(".py")}
    return {path: entry for path, entry in modules.items() if decisions[path].reason not in _NOT_IMPORTED}


def _sources(
    kept: _Kept, decisions: Mapping[str, Decision], package: Package, runtime: str, settings: Settings
) -> dict[str, Action]:
    """Modules whose bytecode has a place to go to; one that was opened as a file, that a symlink leads to, or whose
    folder the function browses, keeps its source."""
    entries = package.entries
    browsed = {path for path, decision in decisions.items() if decision.reason is Reason.BROWSED}
    led_to = {links.follow(entries, path).end for path, entry in entries.items() if entry.kind is Kind.SYMLINK}
    actions = {}
    for path in _imported(kept, decisions):
        stays = settings.source or path in led_to or posixpath.dirname(path) in browsed
        replaced = not stays and decisions[path].reason is not Reason.READ
        place = entries.get(bytecode_path(path, runtime, in_place=replaced))
        if place is None or place.kind is Kind.FILE:
            actions[path] = Action.REPLACE if replaced else Action.COMPILE
    return actions


def _scanned(kept: _Kept, decisions: Mapping[str, Decision]) -> dict[str, Action]:
    """botocore asks for ``service-2.json.gz`` in some 400 folders, to see which services there are."""
    looked = [path for path in kept if decisions[path].reason in _NAMED and kept[path].size]
    places = Counter(place for path in looked for place in _scans(path))
    return {path: Action.EMPTY for path in looked if any(places[place] >= _SCAN for place in _scans(path))}


def _scans(path: str) -> tuple[tuple[str, str], ...]:
    """The two kinds of scan that a path may be a part of: of one folder, and for one name below the top folder."""
    folder, name = posixpath.split(path)
    return (folder, ""), (path.partition("/")[0], name)


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
