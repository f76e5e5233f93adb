"""The interface of a transform: it chooses among the kept files, changes some, and may add others.

``plan`` chooses paths from values alone. While the slim zip is written, ``change`` is given each chosen file, on
one of several threads; then ``add`` may read kept files and give new ones; ``savings`` tells the report what it did.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

from deployer.models.package import Entry, Package
from deployer.models.python import USUAL, PythonOptions
from deployer.models.settings import COPY_ONLY, Settings
from deployer.models.slim import Saving
from deployer.models.whitelist import Decision
from deployer.package.zipwriter import Advance
from deployer.slim.buffers import Contents


@dataclass(frozen=True)
class Kept:
    """What a transform chooses from."""

    package: Package
    """The full one."""
    files: Mapping[str, Entry]
    """The kept regular files by path, in the order of the zip."""
    decisions: Mapping[str, Decision]
    settings: Settings
    runtime: str
    """As Lambda names it: ``python3.11``."""
    layered: bool
    """Whether the function has layers, which may hold any module."""
    python: PythonOptions = USUAL
    """Which bytecode the function's Python looks for."""


@dataclass(frozen=True)
class File:
    """One chosen file, and the recipe that it is a part of."""

    path: str
    contents: Contents
    recipe: "Recipe"


@dataclass(frozen=True)
class Changed:
    """What became of one file."""

    contents: Contents | None = None
    """The new contents; None copies the file."""
    reason: str = ""
    """Why a file of the right kind was not changed, for the report."""


@dataclass(frozen=True)
class NewFile:
    """A file that a transform adds."""

    path: str
    contents: bytes
    made_of: str
    """Path of the kept file that it was made of, whose date it takes."""


@dataclass(frozen=True)
class Added:
    """What a transform adds to the package."""

    files: tuple[NewFile, ...] = ()
    gone: frozenset[str] = frozenset()
    """Paths whose files the new ones take the place of; some may not be there."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What happened to a package, for the report of one transform."""

    kept: Mapping[str, Entry]
    """The kept files as they were."""
    now: Mapping[str, Entry]
    """The files of the slim zip."""
    changed: Collection[str]
    """Paths that were given new contents."""
    reasons: Mapping[str, str]
    """Why others were not, by path."""
    added: tuple[Entry, ...] = ()
    """The files that this transform added."""
    gone: tuple[Entry, ...] = ()
    """The files that it removed."""


@dataclass(frozen=True)
class Transform(ABC):
    """What one transform does to one package."""

    name: ClassVar[str]
    """Of its step in a report, such as ``libraries trimmed``."""
    reads: ClassVar[bool] = True
    """Whether ``change`` needs the contents; without them it is given none."""

    paths: tuple[str, ...]
    """The files that it changes, or adds others for."""

    @classmethod
    @abstractmethod
    def plan(cls, kept: Kept) -> Self | None:
        """Choose files; None where the settings do not want this transform."""

    def without(self, paths: Collection[str]) -> Self:
        """Return the same transform without paths that another one changes."""
        return replace(self, paths=tuple(path for path in self.paths if path not in paths))

    @property
    def changes(self) -> Collection[str]:
        """The paths whose contents may differ afterwards from the package's own."""
        return self.paths

    def work(self, kept: Mapping[str, Entry]) -> int:  # noqa: ARG002
        """Return the bytes that ``add`` reads, for the progress bar."""
        return 0

    def wants(self, beginning: bytes) -> bool:  # noqa: ARG002
        """Check by its first bytes whether a chosen file is of the right kind; else it is copied."""
        return True

    def change(self, file: File) -> Changed:  # noqa: ARG002
        """Return the new contents of a file that ``wants`` accepts. Several threads call it."""
        return Changed()

    def add(self, read: Callable[[str], bytes], advance: Advance) -> Added:  # noqa: ARG002
        """Return new files, when all others are changed.

        Args:
            read: gives the contents of a kept file by its path.
            advance: is told of the bytes done, as many as ``work`` said.
        """
        return Added()

    def savings(self, outcome: Outcome) -> Iterator[Saving]:
        """Tell what was saved or spent: one step of the files that were changed."""
        paths = [path for path in self.paths if path in outcome.changed]
        reasons = Counter(outcome.reasons[path] for path in self.paths if path in outcome.reasons)
        before, after = total(outcome.kept[path] for path in paths), total(outcome.now[path] for path in paths)
        yield Saving(self.name, len(paths), before, after, dict(sorted(reasons.items())))


@dataclass(frozen=True)
class Recipe:
    """What is kept of a package, in the order of the zip, and what happens to each file of it."""

    kept: tuple[Entry, ...]
    transforms: tuple[Transform, ...] = ()
    """Those that are wanted; no two of them have a path in common."""
    settings: Settings = COPY_ONLY

    def of(self, kind: type[Transform]) -> tuple[str, ...]:
        """Return the paths that this transform has to do with."""
        return tuple(path for one in self.transforms if isinstance(one, kind) for path in one.paths)

    @cached_property
    def by_path(self) -> Mapping[str, Transform]:
        """The transform of each file that is not merely copied."""
        return {path: one for one in self.transforms for path in one.paths}

    @cached_property
    def paths(self) -> frozenset[str]:
        """The paths that are kept."""
        return frozenset(entry.path for entry in self.kept)

    @cached_property
    def changed(self) -> frozenset[str]:
        """The paths whose contents may differ from the package's own."""
        return frozenset(path for one in self.transforms for path in one.changes)

    @property
    def work(self) -> int:
        """Bytes to be done: packed ones to be copied, and what transforms read."""
        kept = {entry.path: entry for entry in self.kept}
        return sum(entry.packed for entry in self.kept) + sum(one.work(kept) for one in self.transforms)


def total(entries: Iterable[Entry]) -> int:
    """Return the size of files, unpacked, in bytes."""
    return sum(entry.size for entry in entries)
