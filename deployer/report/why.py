"""Why files are kept or dropped: what was meant, what became of it, by what evidence, and what would change it."""

import difflib
import posixpath
import re
import shlex
from ast import literal_eval
from collections.abc import Collection, Iterable
from typing import Final

from deployer.errors import UsageError
from deployer.evidence.misses import module_of
from deployer.models.evidence import Evidence
from deployer.models.outcome import Fate
from deployer.models.whitelist import Reason as Why
from deployer.report.page.models import FileRow
from deployer.report.reasons import summed
from deployer.report.why_report import Meaning, WhyFile, WhyReport, repeating
from deployer.whitelist.user_rules import exactly, matching

_GLOB: Final = re.compile(r"[*?\[]")
_RULES: Final = 8
"""So many rules are given in one command at most."""


def meant(asked: str, rows: Collection[FileRow]) -> tuple[Meaning, list[FileRow]]:
    """Return what a user means by a path, a pattern, a module or a distribution, and its files.

    Raises:
        UsageError: nothing in the package is named so.
    """
    path = posixpath.normpath(asked.removeprefix("/var/task/").lstrip("/")) if asked else ""
    name = _plain(re.split(r"[ =]", asked, maxsplit=1)[0])
    choices: Iterable[tuple[Meaning, list[FileRow]]] = (
        ("file", [row for row in rows if row.path == path]),
        ("distribution", [row for row in rows if row.distribution and _plain(_name(row)) == name]),
        ("folder", [row for row in rows if row.path.startswith(f"{path}/")]),
        ("module", [row for row in rows if asked and module_of(row.path) == asked]),
        ("folder", [row for row in rows if row.path.startswith(f"{asked.replace('.', '/')}/")]),
        ("pattern", _matching(asked, rows)),
    )
    for meaning, found in choices:
        if found:
            return meaning, found
    raise UsageError(f"Nothing in the package is named {asked!r}.", _advice(asked, rows))


def _matching(pattern: str, rows: Collection[FileRow]) -> list[FileRow]:
    if not _GLOB.search(pattern):
        return []
    found = matching(pattern, [row.path for row in rows])
    return [row for row in rows if row.path in found]


def _advice(asked: str, rows: Collection[FileRow]) -> str:
    names = {row.path for row in rows} | {module_of(row.path) for row in rows} | {_name(row) for row in rows}
    if close := difflib.get_close_matches(asked, sorted(names - {""}), 3, 0.7):
        return f"Did you mean {' or '.join(close)}?"
    return "Give a path in the package, a pattern, a module or a distribution; files of layers are not known here."


def _name(row: FileRow) -> str:
    return row.distribution.rpartition(" ")[0]


def _plain(name: str) -> str:
    """Return what all spellings of a distribution's name have in common (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def why(asked: str, function: str, state: str, rows: Collection[FileRow], evidence: Evidence) -> WhyReport:
    """Return why what is meant is kept or dropped.

    Args:
        asked: a path, a pattern, a module or a distribution.
        function: its name.
        state: of the shrink that decided.
        rows: every file.
        evidence: that was used.

    Raises:
        UsageError: nothing in the package is named so.
    """
    meaning, chosen = meant(asked, rows)
    heaviest = sorted(chosen, key=lambda row: (-max(row.before, row.after), row.path))
    files = tuple(_file(row, evidence) for row in heaviest)
    return WhyReport(
        function=function,
        state=state,
        asked=asked,
        meaning=meaning,
        sandboxes=evidence.sandboxes,
        amounts=summed((not row.fate.is_gone, row.reason, row.before) for row in chosen),
        files=files,
        change=_command(repeating(function, state), meaning, asked, files),
    )


def _file(row: FileRow, evidence: Evidence) -> WhyFile:
    seen = evidence.paths.get(row.path)
    return WhyFile(
        path=row.path,
        distribution=row.distribution,
        kept=not row.fate.is_gone,
        fate=row.fate,
        reason=row.reason,
        because=row.because,
        before=row.before,
        after=row.after,
        sandboxes=seen.sandboxes if seen else 0,
        touches=tuple(sorted(seen.touches)) if seen else (),
        request=(seen.request or "") if seen else "",
        first_seen=seen.first_seen if seen else "",
        phase=seen.phase if seen else "",
        asked_by=seen.imported_by if seen else "",
        change=_rule(row),
    )


def _rule(row: FileRow) -> str:
    """Return the rule that would change one decision."""
    for reason, option in ((Why.RULE_KEEP, "keep"), (Why.RULE_DROP, "drop")):
        if row.reason == reason:
            return f"take out the {option} rule {literal_eval(row.because.removeprefix(f'{option} rule '))}"
    if row.fate is Fate.ADDED:
        return "--no-bytecode" if row.path.endswith(".pyc") else ""
    return f"--{'keep' if row.fate.is_gone else 'drop'} {shlex.quote(exactly(row.path))}"


def _command(again: str, meaning: Meaning, asked: str, files: tuple[WhyFile, ...]) -> str:
    """Return what would decide otherwise about all of it: keep what is gone, or drop it where nothing is."""
    if len(files) == 1:
        change = files[0].change
        return f"{again} {change}" if change.startswith("--") else change
    gone = [one.path for one in files if not one.kept]
    paths = gone or [one.path for one in files if one.fate is not Fate.ADDED]
    patterns = [asked] if meaning == "pattern" else _covering(meaning, paths)
    option = "--keep" if gone else "--drop"
    return f"{again} {' '.join(f'{option} {shlex.quote(one)}' for one in patterns)}"


def _covering(meaning: Meaning, paths: list[str]) -> list[str]:
    """Return the rules for a folder, or for the top-level names of a distribution."""
    if meaning == "folder":
        return [exactly(posixpath.commonpath(paths), folder=True)]
    tops = {path.partition("/")[0]: "/" in path for path in paths}
    return [exactly(top, folder=folder) for top, folder in sorted(tops.items())][:_RULES]
