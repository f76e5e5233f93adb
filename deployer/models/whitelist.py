"""What is kept and what is dropped, each path with its reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deployer.models.python import USUAL, PythonOptions


class Reason(StrEnum):
    """Why a path is kept or dropped."""

    OPENED = "opened"
    READ = "opened as a file"
    LOADED = "loaded"
    EXECUTED = "executed"
    LOOKED = "looked at"
    LISTED = "listed"
    BROWSED = "browsed"
    HANDLER = "handler"
    NAMED = "named by the environment"
    EXTENSION = "configuration of an extension"
    SOURCE = "source of bytecode"
    BYTECODE = "bytecode of source"
    PACKAGE_INIT = "__init__ on the way"
    METADATA = "metadata of a kept distribution"
    STUB = "stub that lazy_loader reads"
    CERTIFICATES = "CA certificates"
    LICENCE = "licence of a kept distribution"
    SYMLINK = "symlink on the way"
    TARGET = "target of a symlink"
    PARENT = "directory of a kept path"
    NEW = "new since the evidence"
    CHANGED = "distribution changed since the evidence"
    STALE = "bytecode of an older source"
    RULE_KEEP = "keep rule"
    RULE_DROP = "drop rule"
    RARE = "rarely touched"
    UNTOUCHED = "never touched"


@dataclass(frozen=True, slots=True)
class Decision:
    """One path of the package, kept or dropped, and why."""

    path: str
    kept: bool
    reason: Reason
    because: str
    """The evidence or the rule, in words: ``"request 1f2e… at start-up, 3 of 3 sandboxes"``."""
    size: int
    crc32: int
    """Of the contents that were decided on; other contents need another decision."""


@dataclass(frozen=True)
class Rules:
    """The user's own keep and drop patterns, in the manner of .gitignore."""

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    rare: float = 0.0
    """What a smaller share of sandboxes touched is dropped too, where the guard can bring it back; 0 for nothing."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution as it was when the evidence was taken."""

    name: str
    version: str
    contents: str
    """SHA-256 (hex) over path, size and CRC-32 of its files, without metadata, scripts and bytecode, which differ
    between two installations of the same."""


@dataclass(frozen=True)
class Whitelist:
    """Every path of a package with its decision, in sorted order."""

    package: str
    """The label of the package."""
    decisions: Mapping[str, Decision]
    warnings: tuple[str, ...] = ()
    installed: tuple[Installed, ...] = ()
    """The distributions in it, for a fresh build to be compared with."""
    runtime: str = ""
    """Of the function that it was made for, ``python3.11``; empty where it was not written down."""

    python: PythonOptions = USUAL
    """Which bytecode that function's Python looks for."""

    left_out: int | None = None
    """So many paths that are dropped are not listed: those of distributions that did not change. None where each path
    is listed."""

    def kept(self) -> Iterator[str]:
        """Yield the paths to keep."""
        return (path for path, decision in self.decisions.items() if decision.kept)
