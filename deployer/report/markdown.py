"""The report of a shrink as Markdown: a comment for a pull request, with the same figures as the page."""

import re
from collections.abc import Iterator

from deployer.models.slim import Measure
from deployer.report.page.models import PageContent
from deployer.report.risk import risk
from deployer.report.since import Since
from deployer.report.text import DONE
from deployer.words import bytes_changed, counted, megabytes, seconds

_WARNINGS = 5
"""So many are shown."""


def comment(content: PageContent) -> str:
    """Return the comment; what comes from outside is escaped, so that it stays text."""
    report = content.report
    lines = [
        f"### {escaped(report.function)}: {DONE[report.state]}",
        "",
        *_sizes(report.before, report.after),
        "",
        *([f"**Risk:** {risk(report.coverage, guarded=report.guard.mode != 'off')}.", ""] if report.sandboxes else []),
        *(_since(content.since) if content.since else ()),
        *_list("What each step saved", _steps(content)),
        *_list("What could still go", (f"{escaped(one.what)} {megabytes(one.bytes)}" for one in content.suggestions)),
        *_list("Warnings", (escaped(text) for text in report.warnings[:_WARNINGS])),
        *([] if report.state == "traced" else [f"Back to what was there before: `ldeploy restore {report.function}`."]),
        f"Why a file is kept or dropped: `ldeploy why {report.function} PATH`.",
        f"<sub>{escaped(content.tool)}, {escaped(content.made)}</sub>",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    plain = re.sub(r"\s", " ", text).replace("@", "@\N{ZERO WIDTH SPACE}")  # so that nobody is called
    return re.sub(r"([\\`*_{}\[\]<>()#|@~&!])", r"\\\1", plain)


def _sizes(before: Measure, after: Measure) -> Iterator[str]:
    yield "| | before | after | change |"
    yield "| --- | ---: | ---: | ---: |"
    yield _row("files", f"{before.files:,}", f"{after.files:,}", f"{after.files - before.files:+,}")
    for name, was, now in (("unzipped", before.bytes, after.bytes), ("zipped", before.zip_bytes, after.zip_bytes)):
        yield _row(name, megabytes(was), megabytes(now), f"{100 * (now - was) / max(was, 1):+.0f} %")
    if before.init_ms and after.init_ms:
        times = f"{before.init_ms / after.init_ms:.1f} times as fast"
        yield _row("cold start", seconds(before.init_ms), seconds(after.init_ms), times)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _since(since: Since) -> Iterator[str]:
    log = since.log
    missing = counted(len(log.misses), "missing file")
    figures = f"{counted(log.invocations, 'invocation')}, {counted(log.errors, 'error')}, {missing}"
    yield f"**Since it was deployed:** {'at least ' if since.partial else ''}{figures}."
    yield from (f"- missing: {escaped(miss.path)}" for miss in log.misses)
    yield from (["", f"Keep it: {escaped(since.mend)}"] if since.mend else [])
    yield ""


def _steps(content: PageContent) -> Iterator[str]:
    for step in content.report.steps:
        change = bytes_changed(step.bytes_before, step.bytes_after)
        yield f"{escaped(step.name)}: {counted(step.files, 'file')}, {change}"


def _list(title: str, items: Iterator[str]) -> Iterator[str]:
    """Yield a list that is folded away; nothing where it is empty."""
    rows = [f"- {item}" for item in items]
    if rows:
        yield from (f"<details><summary>{title}</summary>", "", *rows, "", "</details>", "")
