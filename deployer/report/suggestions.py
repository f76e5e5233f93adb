"""What could still go, beyond what the whitelist drops: things that only the user can change."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from deployer.models.outcome import Fate
from deployer.models.whitelist import Reason
from deployer.report.page.models import FileRow, Suggestion
from deployer.words import counted

MOST: Final = 8
"""So many suggestions are made at most, the heaviest first."""
LEAST: Final = 200_000
"""Bytes below which nothing is worth a sentence."""
_USED: Final = frozenset({Reason.OPENED, Reason.READ, Reason.LOADED, Reason.EXECUTED, Reason.LOOKED, Reason.HANDLER})
_VENDORED: Final = re.compile(r"(lib[\w+-]+?)-[0-9a-f]{8,}(?:\.so(?:\.[\d.]+)?|\.[\d.]+\.so)|(lib[\w+-]+?)\.so\.[\d.]+")
"""A library as auditwheel puts it into a wheel, ``libgfortran-040039e1.so.5.0.0``, or with its plain name."""
_METADATA: Final = re.compile(r"[^/]+\.(dist|egg)-info/.*")


def suggestions(rows: Collection[FileRow]) -> tuple[Suggestion, ...]:
    """Return what the user could take away, the heaviest first."""
    by_distribution: defaultdict[str, list[FileRow]] = defaultdict(list)
    for row in rows:
        if row.distribution:
            by_distribution[row.distribution].append(row)
    found = [
        *(one for name, files in by_distribution.items() for one in _untouched(name, files)),
        *(one for name, files in by_distribution.items() for one in _hardly_used(name, files)),
        *_several_times(rows),
    ]
    heavy = [one for one in found if one.bytes >= LEAST]
    return tuple(sorted(heavy, key=lambda one: (-one.bytes, one.what))[:MOST])


def vendored(path: str) -> str:
    """Return the name of a library that a wheel brought along; empty for any other file."""
    match = _VENDORED.fullmatch(posixpath.basename(path))
    return match[1] or match[2] if match else ""


def _is_used(row: FileRow) -> bool:
    """Whether a cold start touched it for its own sake; metadata of every distribution is read by many."""
    return row.reason in _USED and not _METADATA.fullmatch(row.path)


def _untouched(name: str, files: list[FileRow]) -> Iterator[Suggestion]:
    if not any(map(_is_used, files)) and not any(row.reason in {Reason.RULE_KEEP, Reason.CHANGED} for row in files):
        how = "Take it out of the requirements, if nothing else needs it."
        yield Suggestion(f"No cold start touched {name}.", sum(row.before for row in files), how)


def _hardly_used(name: str, files: list[FileRow]) -> Iterator[Suggestion]:
    """One big library that is loaded whole for the sake of a few of a distribution's modules."""
    modules = [row for row in files if row.path.endswith(".py") and row.before]
    used = [row for row in modules if _is_used(row)]
    after = sum(row.after for row in files)
    biggest = max(files, key=lambda row: row.after)
    if len(modules) >= 20 and len(used) * 10 < len(modules) and biggest.after * 2 > after > 25 * LEAST:
        what = f"{name} uses {counted(len(used), 'module')} of {len(modules)} and loads {biggest.path} whole."
        yield Suggestion(what, after, "If you need little of it, a smaller package may do the same.")


def _several_times(rows: Iterable[FileRow]) -> Iterator[Suggestion]:
    """The same library from several wheels."""
    copies: defaultdict[str, list[FileRow]] = defaultdict(list)
    for row in rows:
        library = vendored(row.path)
        if library and row.after and row.distribution and row.fate is not Fate.ADDED:
            copies[library].append(row)
    for library, files in sorted(copies.items()):
        owners = sorted({row.distribution.rpartition(" ")[0] for row in files})
        if len(owners) > 1:
            spare = sum(row.after for row in files) - max(row.after for row in files)
            what = f"{library} is in the package {counted(len(files), 'time')}: from {', '.join(owners)}."
            yield Suggestion(
                what, spare, "A build that shares one copy, from conda or in a layer of your own, has it once."
            )
