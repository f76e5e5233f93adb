"""The tables that the whitelist's passes look things up in, made in one walk over the package."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from deployer.models.package import Distribution, Entry, Examined, Kind, Package
from deployer.package import links
from deployer.package.pyc import source_of

_Item = TypeVar("_Item")

_LICENCE: Final = re.compile(r"(licen[cs]e|copying|notice|authors|copyright)\b.*", re.IGNORECASE)
_INIT: Final = re.compile(r"__init__(\..+)?\.(py|pyc|so)")
_CODE: Final = (".py", ".pyc", ".pyi", ".so")
"""``licenses.py`` is a module, not a licence."""


@dataclass(frozen=True)
class PackageIndex:
    """The tables of a package. Each mapping leads from a path to paths."""

    package: Package
    children: Mapping[str, tuple[str, ...]]
    """What lies directly in a directory."""
    inits: Mapping[str, tuple[str, ...]]
    """A directory's ``__init__`` files."""
    compiled: Mapping[str, tuple[str, ...]]
    """A source's bytecode files."""
    led_to: Mapping[str, tuple[str, ...]]
    """An entry's symlinks: those that lead to it."""
    owners: Mapping[str, tuple[Distribution, ...]]
    """A file's distributions."""
    metadata: Mapping[str, Distribution]
    """A metadata folder's distribution."""
    below: Mapping[str, tuple[str, ...]]
    """A metadata folder's files."""
    licences: Mapping[str, tuple[str, ...]]
    """A top-level folder's licences."""
    certificates: frozenset[str]
    """Files that hold certificates."""
    lazy_loader: bool
    """Whether stubs are read at run time."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        return self.package.entries


def index_package(examined: Examined) -> PackageIndex:
    """Return the tables of a package, made in one walk over it."""
    package = examined.package
    metadata = {distribution.folder: distribution for distribution in examined.distributions}
    children, inits, compiled, led_to, below, licences = (_lists() for _ in range(6))
    owners: defaultdict[str, list[Distribution]] = defaultdict(list)
    sites = {"", *map(posixpath.dirname, metadata)}
    for path, entry in package.entries.items():
        folder, name = posixpath.split(path)
        children[folder].append(path)
        if entry.kind is Kind.DIRECTORY:
            continue
        if entry.kind is Kind.SYMLINK and (end := links.follow(package.entries, path).end):
            led_to[end].append(path)
        if _INIT.fullmatch(name):
            inits[folder].append(path)
        if source := source_of(path):
            compiled[source].append(path)
        if top := _metadata_folder(folder, metadata):
            below[top].append(path)
        if is_licence(path):
            licences[_top_level(path, sites)].append(path)
    for distribution in metadata.values():
        for path in distribution.files:
            owners[path].append(distribution)
    return PackageIndex(
        package,
        _frozen(children),
        _frozen(inits),
        _frozen(compiled),
        _frozen(led_to),
        _frozen(owners),
        metadata,
        _frozen(below),
        _frozen(licences),
        examined.certificates,
        lazy_loader=any(path.endswith("lazy_loader/__init__.py") for path in package.entries),
    )


def is_licence(path: str) -> bool:
    """Check by the name alone."""
    name = posixpath.basename(path)
    return bool(_LICENCE.fullmatch(name)) and not name.endswith(_CODE)


def _lists() -> defaultdict[str, list[str]]:
    return defaultdict(list)


def _metadata_folder(folder: str, metadata: Mapping[str, Distribution]) -> str | None:
    while folder:
        if folder in metadata:
            return folder
        folder = posixpath.dirname(folder)
    return None


def _top_level(path: str, sites: set[str]) -> str:
    """Return the folder, directly below a place where distributions are installed, that holds ``path``."""
    while (parent := posixpath.dirname(path)) not in sites:
        path = parent
    return path


def _frozen(lists: Mapping[str, list[_Item]]) -> dict[str, tuple[_Item, ...]]:
    return {path: tuple(items) for path, items in lists.items()}
