"""Kept sources get bytecode, so that a cold start compiles nothing; some are replaced by it.

/var/task is read-only: without .pyc files, each cold start compiles each module again.
"""

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Self

from deployer.models.package import Entry, Kind, Package
from deployer.models.python import USUAL, PythonOptions
from deployer.models.slim import Saving
from deployer.models.whitelist import Reason
from deployer.package import links
from deployer.package.distributions import condensed, described, metadata_files
from deployer.package.zipwriter import Advance
from deployer.slim.transforms.base import Added, Kept, NewFile, Outcome, Transform, total
from deployer.slim.transforms.bytecode_compile import Compiled, Form, compile_sources

COMPILERS: Final = frozenset({"numba", "torch", "triton", "taichi", "tensorflow", "pythran", "transonic"})
"""Packages that read a function's source, or ask for its file's date (numba's cache)."""
_SOURCE_NAMES: Final = re.compile(rb"""^[^#\n]*['"][^'"\s]*\.py['"](?!, line )""", re.MULTILINE)
"""A text without spaces, neither in a comment nor in a traceback that a docstring shows."""
_ELSEWHERE: Final = (
    "No bytecode was added, so that cold starts compile every module: PYTHONPYCACHEPREFIX is {}, where Python looks "
    "for bytecode instead. Take the variable away, or give --no-source."
)
_NOT_IMPORTED: Final = frozenset({Reason.PACKAGE_INIT, Reason.METADATA, Reason.LICENCE, Reason.BROWSED})


@dataclass(frozen=True)
class AddBytecode(Transform):
    """Adds the bytecode of sources: beside each, or in its place."""

    name = "bytecode added"

    runtime: str
    """As Lambda names it: ``python3.11``."""
    options: PythonOptions
    """Of the function's Python: the bytecode that it looks for is of its level, and where it looks."""
    package: Package
    """The full one."""
    metadata: tuple[str, ...]
    """Kept files that tell what the distributions installed: no other file of theirs changes by itself."""
    replaced: frozenset[str]
    """The sources that bytecode may take the place of, unless their text says that something reads them."""
    compilers: frozenset[str]
    """Those of ``COMPILERS`` that may be there at run time."""
    keeps_sources: bool
    """Whether the user wants every source to stay."""

    @classmethod
    def plan(cls, kept: Kept) -> Self | None:
        """Choose the modules whose bytecode has a free place to go to."""
        if not kept.settings.bytecode:
            return None
        stays = _stay(kept)
        imported = [path for path in kept.files if _is_imported(path, kept)]
        replaced = frozenset(path for path in imported if path not in stays)
        options = kept.python
        places = {path: bytecode_path(path, kept.runtime, options, in_place=path in replaced) for path in imported}
        entries = kept.package.entries
        free = tuple(p for p, place in places.items() if place and (place not in entries or _is_file(entries[place])))
        tops = {path.partition("/")[0] for path in entries}
        compilers = COMPILERS if kept.layered else COMPILERS & tops
        metadata = tuple(entry.path for entry in metadata_files(kept.package) if entry.path in kept.files)
        replaced = replaced.intersection(free)
        return cls(
            free, kept.runtime, options, kept.package, metadata, replaced, compilers, keeps_sources=kept.settings.source
        )

    @property
    def changes(self) -> Collection[str]:
        """The sources that may be gone afterwards."""
        return self.replaced.intersection(self.paths)

    def work(self, kept: Mapping[str, Entry]) -> int:
        """Return the bytes of the sources."""
        return total(kept[path] for path in self.paths)

    def add(self, read: Callable[[str], bytes], advance: Advance) -> Added:
        """Compile the sources."""
        compiled = self._compiled(read, advance)
        replaced = set(self.changes)
        if replaced and compiled.files:
            replaced -= needs_source(((path, read(path)) for path in self.paths), self.compilers).keys()
        files = tuple(
            NewFile(place, pyc, path)
            for path, pyc in compiled.files.items()
            if (place := bytecode_path(path, self.runtime, self.options, in_place=path in replaced))
        )
        old = {bytecode_path(path, self.runtime, self.options) for path in compiled.files}
        return Added(files, frozenset(old | replaced & compiled.files.keys()), self._warnings(compiled))

    def _compiled(self, read: Callable[[str], bytes], advance: Advance) -> Compiled:
        def texts() -> Iterator[tuple[str, bytes]]:
            for path in self.paths:
                text = read(path)
                yield path, text
                advance(len(text))

        if not self.paths:
            return Compiled({})
        metadata = {path: condensed(self.package, path, [read(path)]) for path in self.metadata}
        installed = described(self.package, metadata)
        own = set(self.paths).difference(*(one.files for one in installed))
        form = Form(columns=False, optimize=self.options.optimize, checked=own)
        return compile_sources(texts(), self.runtime, form=form)

    def _warnings(self, compiled: Compiled) -> tuple[str, ...]:
        if compiled.reason:
            return (f"No bytecode was added, so that cold starts compile every module: {compiled.reason}.",)
        if self.keeps_sources and not self.paths and self.options.cache_prefix:
            return (_ELSEWHERE.format(self.options.cache_prefix),)
        return ()

    def savings(self, outcome: Outcome) -> Iterator[Saving]:
        """Tell what the bytecode costs, and what is saved where it replaced sources."""
        if not self.paths:
            return
        added = outcome.added
        old = [entry for entry in outcome.gone if entry.path.endswith(".pyc")]
        failed = {"does not compile": len(self.paths) - len(added)} if added else {}
        yield Saving(self.name, len(added), total(old), total(added), _some(failed))
        if not self.keeps_sources:
            sources = [entry for entry in outcome.gone if entry.path.endswith(".py")]
            stay = {"may be read": len(added) - len(sources)}
            yield Saving("sources left out", len(sources), total(sources), 0, _some(stay))


def bytecode_path(source: str, runtime: str, options: PythonOptions = USUAL, *, in_place: bool = False) -> str:
    """Return where the .pyc of a source goes; empty where Python looks for it outside the package.

    Beside it (``a/__pycache__/b.cpython-311.pyc``, PEP 3147, with ``.opt-2`` for a level of optimisation, PEP 488), or
    in its place (``a/b.pyc``), which is found only where the source is not.
    """
    path = PurePosixPath(source)
    if in_place:
        return str(path.with_suffix(".pyc"))
    tag = runtime.replace("python", "cpython-").replace(".", "")
    name = f"{path.stem}.{tag}{f'.opt-{options.optimize}' * bool(options.optimize)}.pyc"
    if not options.cache_prefix:
        return str(path.parent / "__pycache__" / name)
    mirrored = posixpath.normpath(f"{options.cache_prefix}/var/task/{path.parent / name}")
    return mirrored.removeprefix(links.ROOT) if mirrored.startswith(links.ROOT) else ""


def needs_source(sources: Iterable[tuple[str, bytes]], compilers: Collection[str] = COMPILERS) -> dict[str, str]:
    """Return the sources that must stay although they have bytecode, each with the reason.

    Files run or read as files; modules whose functions are compiled from their source at run time; and all in
    a folder where a module speaks of names that end in ``.py``: it may look for its neighbours.

    Args:
        sources: path and text of each.
        compilers: those of ``COMPILERS`` that are there at run time.
    """
    reasons: dict[str, str] = {}
    searching: dict[PurePosixPath, str] = {}
    parents: dict[str, PurePosixPath] = {}
    own_source = re.compile(rf"\b({'|'.join(sorted(compilers))})\b".encode()) if compilers else None
    for name, source in sources:
        path = PurePosixPath(name)
        parents[name] = path.parent
        if _SOURCE_NAMES.search(source):
            searching[path.parent] = f"{name} names source files"
        if not all(part.isidentifier() for part in path.with_suffix("").parts):
            reasons[name] = "its path is no module's name"
        elif source.startswith(b"#!"):
            reasons[name] = "it may be run as a script"
        elif own_source and (own := own_source.search(source)):
            reasons[name] = f"{own[0].decode()} reads the source of functions"
    return {name: searching[parent] for name, parent in parents.items() if parent in searching} | reasons


def _is_imported(path: str, kept: Kept) -> bool:
    """Return whether a file is a module that something opened, not one that is kept for the sake of others.

    Not an empty one: its bytecode costs 400 bytes of the zip, and takes as long to read as to compile.
    """
    return path.endswith(".py") and bool(kept.files[path].size) and kept.decisions[path].reason not in _NOT_IMPORTED


def _stay(kept: Kept) -> Collection[str | None]:
    """Return the sources that stay: a symlink leads to them, they were read, or their folder was browsed."""
    if kept.settings.source:
        return kept.files.keys()
    entries, decisions = kept.package.entries, kept.decisions
    browsed = {path for path, decision in decisions.items() if decision.reason is Reason.BROWSED}
    led_to = {links.follow(entries, path).end for path, entry in entries.items() if entry.kind is Kind.SYMLINK}
    read = {path for path in kept.files if decisions[path].reason is Reason.READ}
    return read | led_to | {path for path in kept.files if posixpath.dirname(path) in browsed}


def _is_file(entry: Entry) -> bool:
    return entry.kind is Kind.FILE


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count > 0}
