"""What became of each file: by comparing the full package with the slim one, kept as a file, joined to its reason."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from deployer.models.outcome import Fate, Outcome, Outcomes
from deployer.models.package import Distribution, Kind, Package
from deployer.models.whitelist import Whitelist
from deployer.package.pyc import source_of
from deployer.report.page.models import FileRow
from deployer.versioned import Form, of_type

_FORM: Final = Form("What became of each file in the last shrink", 1, "Run ldeploy shrink again.")


def outcomes(
    full: Package,
    slim: Package,
    distributions: Iterable[Distribution],
    packed: Collection[str] = (),
    guarded: Collection[str] = (),
) -> Outcomes:
    """Return what became of each file.

    Args:
        full: the full package.
        slim: the slim one.
        distributions: those of the full package.
        packed: paths that are unpacked at start.
        guarded: paths that the guard brings when they are asked for.
    """
    owners = {path: f"{one.name} {one.version}".strip() for one in distributions for path in one.files}
    found = {}
    for path in sorted({*_files(full), *_files(slim)}):
        before = full.entries[path].size if path in full.entries else None
        now = slim.entries.get(path)
        kept = now is not None or path in packed or _is_replaced(path, slim)
        fate = _fate(before, now.size if now else 0, kept=kept, packed=path in packed, guarded=path in guarded)
        found[path] = Outcome(_owner(path, owners), now.size if now else 0, fate)
    return Outcomes(full.label, found)


def _files(package: Package) -> Iterator[str]:
    return (path for path, entry in package.entries.items() if entry.kind is not Kind.DIRECTORY)


def _is_replaced(path: str, slim: Package) -> bool:
    """Whether a source has gone and its bytecode lies in its place."""
    return path.endswith(".py") and f"{path}c" in slim.entries


def _fate(before: int | None, after: int, *, kept: bool, packed: bool, guarded: bool) -> Fate:
    if before is None:
        return Fate.ADDED
    if packed:
        return Fate.PACKED
    if not kept:
        return Fate.GUARDED if guarded else Fate.DROPPED
    return Fate.TRIMMED if after < before else Fate.KEPT


def _owner(path: str, owners: Mapping[str, str]) -> str:
    """Return whose the file is; bytecode that was added is its source's."""
    return owners.get(path) or owners.get(source_of(path) or path, "")


def rows(whitelist: Whitelist, found: Outcomes) -> tuple[FileRow, ...]:
    """Return each file with its decision and what became of it; those that were added have no decision."""
    return tuple(_row(path, whitelist, one) for path, one in found.files.items())


def _row(path: str, whitelist: Whitelist, one: Outcome) -> FileRow:
    decision = whitelist.decisions.get(path)
    if decision is None:
        return FileRow(path, one.distribution, 0, one.after, one.fate, "added", _added(path))
    return FileRow(path, one.distribution, decision.size, one.after, one.fate, decision.reason.value, decision.because)


def _added(path: str) -> str:
    source = source_of(path)
    return f"bytecode of {posixpath.basename(source)}, so that a start compiles nothing" if source else ""


def to_json(found: Outcomes) -> str:
    """Return it as one JSON object, one line a file; ``from_json`` reads it."""
    names = sorted({one.distribution for one in found.files.values()})
    numbers = {name: number for number, name in enumerate(names)}
    files = {path: f"{one.fate} {one.after} {numbers[one.distribution]}" for path, one in found.files.items()}
    return _FORM.write({"package": found.package, "distributions": names, "files": files})


def from_json(text: str) -> Outcomes:
    """Return what ``to_json`` wrote.

    Raises:
        WorkspaceError: it is not that.
    """
    return _FORM.read(text, _outcomes)


def _outcomes(fields: dict[str, Any]) -> Outcomes:
    names = [of_type(str, name) for name in fields["distributions"]]
    files = {path: _outcome(words.split(" "), names) for path, words in fields["files"].items()}
    return Outcomes(of_type(str, fields["package"]), files)


def _outcome(words: list[str], names: list[str]) -> Outcome:
    fate, after, number = words
    if int(number) >= len(names):
        raise ValueError(f"there is no distribution {number}")
    return Outcome(names[int(number)], int(after), Fate(fate))
