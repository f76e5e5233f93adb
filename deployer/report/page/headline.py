"""The three figures that everybody asks for, before and after: unzipped, zipped, cold start."""

from collections.abc import Iterator

from deployer.report.models import ShrinkReport
from deployer.words import MINUS, counted, megabytes, seconds


def headline(report: ShrinkReport) -> Iterator[str]:
    """Yield the tiles."""
    before, after = report.before, report.after
    layers = report.limits.unzipped - report.limits.unzipped_left - after.bytes
    yield '<div class="tiles">'
    yield _tile("Unzipped", megabytes(before.bytes), megabytes(after.bytes), _saved(before.bytes, after.bytes))
    yield _scale(before.bytes, after.bytes, report.limits.unzipped - layers)
    left = report.limits.unzipped_left
    room = f"{megabytes(left)} left of" if left >= 0 else f"{megabytes(-left)} over"
    yield f'<p class="quiet">{counted(before.files, "file")} → {after.files:,}; {room} Lambda\'s limit</p></section>'
    yield _tile(
        "Zipped", megabytes(before.zip_bytes), megabytes(after.zip_bytes), _saved(before.zip_bytes, after.zip_bytes)
    )
    yield _scale(before.zip_bytes, after.zip_bytes, 0) + "</section>"
    yield from _start(before.init_ms, after.init_ms)
    yield "</div>"


def _start(before: float | None, after: float | None) -> Iterator[str]:
    if before is None and after is None:
        yield '<section class="tile"><div class="name">Cold start</div><div class="now">not known</div>'
        yield '<p class="was">The log holds no cold start yet.</p></section>'
        return
    words = [seconds(one) if one is not None else "not known yet" for one in (before, after)]
    gain = ""
    if before and after:
        times = before / after
        gain = f"{times:.1f} times as fast" if times >= 1.05 else "about the same" if times > 0.95 else "slower"
    yield _tile("Cold start (median Init Duration)", words[0], words[1], gain)
    yield (_scale(before, after, 0) if before and after else "") + "</section>"


def _saved(before: int, after: int) -> str:
    change = 100 * (after - before) / max(before, 1)
    return f"{change:+.0f} %".replace("-", MINUS)


def _tile(name: str, before: str, after: str, gain: str) -> str:
    gained = f' · <span class="gain">{gain}</span>' if gain else ""
    return (
        f'<section class="tile"><div class="name">{name}</div><div class="now">{after}</div>'
        f'<p class="was">was {before}{gained}</p>'
    )


def _scale(before: float, after: float, limit: float) -> str:
    """Return two bars to one scale, with Lambda's limit where it is near enough to be seen."""
    widest = max(before, after, 1)
    widest = max(widest, min(limit, 1.6 * widest))
    rows = (_bar("before", before / widest, limit / widest), _bar("after", after / widest, limit / widest))
    return f'<div class="scale">{"".join(rows)}</div>'


def _bar(name: str, share: float, limit: float) -> str:
    place = f"{100 * limit:.1f}"
    mark = f'<line class="limit" x1="{place}" x2="{place}" y1="0" y2="10"/>' if 0 < limit <= 1 else ""
    fill = f'<rect class="fill-{name}" width="{100 * share:.1f}" height="10"/>{mark}'
    return f'<span>{name}</span><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{fill}</svg>'
