"""What ``doctor`` found, as lines of text that fit 80 columns."""

import textwrap
from collections.abc import Iterator, Sequence

from deployer.report.checks import Check, DoctorReport, Weight
from deployer.words import counted, megabytes, percent

_COLUMNS = 80
_INDENT = " " * 19


def doctor_lines(report: DoctorReport) -> Iterator[str]:
    """Yield whether a probe may go in, each check, what weighs what, and what to do next."""
    ready = "nothing stops it" if report.weights else "a probe may go in"
    what = ready if report.ready else "something is in the way" if report.weights else "a probe would be refused"
    yield f"{report.function}: {what}" if report.function else what
    for check in report.checks:
        yield from _check(check)
    if report.weights:
        yield "  weighs"
        yield from _weights(report.weights)
    if report.next:
        yield from _wrapped(f"  {'next':<17}", report.next)


def _check(check: Check) -> Iterator[str]:
    yield from _wrapped(f"  {check.verdict:<6} {check.name:<10}", check.what)


def _wrapped(head: str, text: str) -> Iterator[str]:
    """Yield a text below its head; commands are not broken inside a word, so that they can be copied."""
    lines = textwrap.wrap(text, _COLUMNS - len(_INDENT), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines or [""]):
        yield f"{head if not number else _INDENT}{line}"


def _weights(weights: Sequence[Weight]) -> Iterator[str]:
    whole = sum(one.bytes for one in weights) or 1
    for one in weights:
        name = one.name if len(one.name) <= 36 else f"{one.name[:33]}..."
        files, share = counted(one.files, "file"), percent(one.bytes / whole)
        yield f"    {name:<36}{files:>14}{megabytes(one.bytes):>12}{share:>10}"
