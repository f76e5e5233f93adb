"""The sections of the page as HTML; every text that comes from outside is escaped here."""

from collections.abc import Iterable, Iterator
from html import escape

from deployer.models.slim import Saving
from deployer.report.models import LayerReport, ShrinkReport
from deployer.report.page.curve import curve
from deployer.report.page.models import PageContent
from deployer.report.risk import risk
from deployer.report.since import Since
from deployer.report.text import left_alone
from deployer.words import bytes_changed, counted, megabytes

_COLUMNS = {"number": ' class="n"', "bar": ' class="bar"', "text": ""}


def header(content: PageContent, title: str) -> Iterator[str]:
    """Yield the title, and of when and what it is."""
    report = content.report
    version = f", version {report.version}" if report.version else ""
    seen = f"{counted(report.sandboxes, 'cold start')}, {counted(report.invocations, 'invocation')} seen"
    yield f'<header><div><h1>{title}</h1><p class="quiet">{_minute(content.made)}{escape(version)} · {seen}</p></div>'
    yield '<button type="button" id="theme" class="theme" hidden>Theme</button></header>'


def certainty(content: PageContent) -> Iterator[str]:
    """Yield the risk, what went wrong since, the warnings, and the way back."""
    report = content.report
    yield "<section><h2>How sure this is</h2>"
    if report.sandboxes:
        guarded = report.guard.mode != "off"
        yield f"<p><strong>Risk:</strong> {escape(risk(report.coverage, guarded=guarded))}.</p>"
    if content.since:
        yield from _since(content.since)
    for warning in report.warnings:
        yield f'<p class="note">{escape(warning)}</p>'
    if report.state == "traced":
        yield '<p class="quiet">Traced on one machine, by the events that it was given.</p></section>'
        return
    command = f"<code>ldeploy restore {escape(report.function)}</code>"
    yield f'<p class="quiet">Back to what was there before: {command}</p></section>'


def _since(since: Since) -> Iterator[str]:
    log = since.log
    figures = (
        counted(log.invocations, "invocation"),
        counted(log.errors, "error"),
        counted(log.timeouts, "time-out"),
        counted(len(log.misses), "missing file"),
    )
    at_least = "at least " if since.partial else ""
    until = f"up to {_minute(since.until)}"
    yield f"<p><strong>Since it was deployed</strong>, {until}: {at_least}{', '.join(figures)}.</p>"
    for miss in log.misses:
        served = "the guard brought it back" if miss.served else "asked for and not there"
        yield f'<p class="note"><code>{escape(miss.path)}</code>: {served}, {counted(miss.times, "time")}</p>'
    if since.mend:
        yield f"<p>Keep what was missing: <code>{escape(since.mend)}</code></p>"


def _minute(moment: str) -> str:
    """Return an RFC 3339 moment for people."""
    return escape(f"{moment[:16].replace('T', ' ')} UTC")


def pair(*sections: Iterable[str]) -> Iterator[str]:
    """Yield sections side by side, where there is room."""
    yield '<div class="two">'
    for section in sections:
        yield from section
    yield "</div>"


def steps(report: ShrinkReport) -> Iterator[str]:
    """Yield what each step saved or cost."""
    widest = max((abs(step.bytes_after - step.bytes_before) for step in report.steps), default=0) or 1
    yield "<section><h2>What each step saved</h2>"
    yield from _table(
        {"step": "text", "files": "number", "change": "number", "": "bar"},
        (_step(step, widest) for step in report.steps),
    )
    yield "</section>"


def _step(step: Saving, widest: int) -> tuple[str, ...]:
    change = step.bytes_after - step.bytes_before
    kind, width = "less" if change <= 0 else "more", 100 * abs(change) / widest
    bar = (
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" width="{width:.1f}" height="10"/></svg>'
    )
    name = _with_note(step.name, left_alone(step))
    return name, f"{step.files:,}", bytes_changed(step.bytes_before, step.bytes_after), bar


def suggestions(content: PageContent) -> Iterator[str]:
    """Yield what could still go."""
    yield "<section><h2>What could still go</h2>"
    if content.suggestions:
        rows = ((_with_note(one.what, one.how), megabytes(one.bytes)) for one in content.suggestions)
        yield from _table({"what": "text", "weighs": "number"}, rows)
    else:
        yield '<p class="quiet">Nothing stands out.</p>'
    yield "</section>"


def found(content: PageContent) -> Iterator[str]:
    """Yield the discovery curve, where there is one."""
    if content.discovery is None:
        return
    starts, paths = content.discovery.seen[-1]
    more = content.discovery.total - round(paths)
    rest = f"at least {more:,} more may come" if more else "no more are expected"
    yield "<section><h2>Paths found over cold starts</h2>"
    yield f"<p>{counted(round(paths), 'path')} seen in {counted(starts, 'cold start')}; {rest}."
    yield f' <span class="quiet">Risk: {escape(risk(content.report.coverage))}.</span></p>'
    yield curve(content.discovery)
    yield '<p class="quiet">Solid: seen, averaged over every order of the cold starts. Dashed: expected, if as many'
    yield "follow. Dotted: there are at least so many in all, by Chao2's estimate.</p></section>"


def reasons(report: ShrinkReport, *, kept: bool) -> Iterator[str]:
    """Yield why files were kept, or dropped."""
    chosen = [reason for reason in report.reasons if reason.kept is kept]
    if not chosen:
        return
    yield f"<section><h2>{'Kept' if kept else 'Dropped'}, and why</h2>"
    rows = ((escape(reason.reason), f"{reason.files:,}", megabytes(reason.bytes)) for reason in chosen)
    yield from _table({"reason": "text", "files": "number", "full size": "number"}, rows)
    yield "</section>"


def layers(report: ShrinkReport) -> Iterator[str]:
    """Yield the function's layers, where it has some."""
    if report.layers:
        yield "<section><h2>Layers</h2>"
        yield from _table({"layer": "text", "before": "number", "after": "number"}, map(_layer, report.layers))
        yield "</section>"


def _layer(layer: LayerReport) -> tuple[str, ...]:
    after = layer.bytes_after if layer.pruned else layer.bytes_before
    return _with_note(layer.layer, layer.why), megabytes(layer.bytes_before), megabytes(after)


def footer(content: PageContent) -> Iterator[str]:
    """Yield what made the page, of which zip, and what is not in it."""
    after, uri = content.report.after, content.report.artifacts.s3_uri
    yield f"<footer><p>Made by {escape(content.tool)} on {escape(content.made)} with"
    yield f"<code>{escape(content.command)}</code>."
    place = f", <code>{escape(uri)}</code>" if uri else ""
    yield f"Slim zip: sha256 <code>{escape(after.sha256)}</code>{place}.</p>"
    yield "<p>The map is laid out by d3-hierarchy (ISC licence, in this file). Paths and counts only: no contents of"
    yield "files, arguments, events or environment variables are in this page.</p></footer>"


def _with_note(text: str, note: str) -> str:
    return escape(text) + (f'<br><span class="quiet">{escape(note)}</span>' if note else "")


def _table(columns: dict[str, str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table of cells that are HTML already; ``columns`` leads from each heading to its kind."""
    kinds = [_COLUMNS[kind] for kind in columns.values()]
    yield f"<table><tr>{''.join(f'<th{kind}>{name}' for kind, name in zip(kinds, columns, strict=True))}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td{kind}>{cell}' for kind, cell in zip(kinds, row, strict=True))}</tr>"
    yield "</table>"
