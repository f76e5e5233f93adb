"""Writes the report of a shrink as one page: no script, nothing loaded from elsewhere."""

from collections.abc import Iterable
from html import escape
from typing import Final

from deployer.models.slim import Measure
from deployer.report.models import ShrinkReport
from deployer.report.text import DONE, change, coverage, left_alone
from deployer.report.words import megabytes, percent

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733 }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } td, th { padding: .25rem .75rem .25rem 0; text-align: left }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
tr { border-bottom: 1px solid #dde3e9 }
.bar { background: #dde3e9; height: 1.1rem; margin: .2rem 0 .6rem } .bar div { background: #2b6cb0; height: 100% }
.warning { border-left: 4px solid #c05621; padding-left: .75rem } .over { background: #c05621 !important }
"""


def page(report: ShrinkReport) -> str:
    """Return the whole page."""
    title = escape(f"{report.function}: {DONE[report.state]}")
    body = [f"<h1>{title}</h1>", *_sizes(report), *map(_warning, report.warnings), *_steps(report)]
    body += [*_reasons(report, kept=True), *_reasons(report, kept=False), *_evidence(report)]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    return f"<!doctype html>\n<html lang=en>{head}<style>{_STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"


def _sizes(report: ShrinkReport) -> Iterable[str]:
    """Yield before, after and the limit, to one scale."""
    limit = report.limits.unzipped
    widest = max(report.before.bytes, report.after.bytes, limit)
    for name, measure in (("before", report.before), ("after", report.after)):
        over = ' class="over"' if measure.bytes > limit else ""
        width = f"width: {percent(measure.bytes / widest).replace(' ', '')}"
        yield f'<div>{name}: {_weight(measure)}</div><div class="bar"><div{over} style="{width}"></div></div>'
    left = f"{megabytes(report.limits.unzipped_left)} left of {megabytes(limit)} unzipped, layers counted"
    yield f"<p>{percent(report.after.bytes / report.before.bytes)} of it is left; {left}.</p>"


def _weight(measure: Measure) -> str:
    return f"{measure.files:,} files, {megabytes(measure.bytes)} unzipped, {megabytes(measure.zip_bytes)} zipped"


def _warning(text: str) -> str:
    return f'<p class="warning">{escape(text)}</p>'


def _steps(report: ShrinkReport) -> Iterable[str]:
    rows = ((step.name, f"{step.files:,}", change(step), left_alone(step)) for step in report.steps)
    return _table("Steps", ("step", "files", "change", "left alone"), rows)


def _reasons(report: ShrinkReport, *, kept: bool) -> Iterable[str]:
    chosen = (reason for reason in report.reasons if reason.kept is kept)
    rows = ((reason.reason, f"{reason.files:,}", megabytes(reason.bytes)) for reason in chosen)
    return _table("Kept, and why" if kept else "Dropped, and why", ("reason", "files", "unzipped"), rows)


def _evidence(report: ShrinkReport) -> Iterable[str]:
    yield "<h2>Evidence</h2>"
    yield f"<p>{report.sandboxes:,} sandboxes, {report.invocations:,} invocations.</p>"
    if report.sandboxes:
        yield f"<p>Coverage: {escape(coverage(report.coverage))}.</p>"


def _table(title: str, names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    yield f"<h2>{title}</h2><table><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    for row in rows:
        kinds = ("", ' class="n"', ' class="n"', "")
        cells = (f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=False))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</table>"
