"""What a trial found: the new package beside the full one, by Lambda's REPORT lines, and what the guard brought."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from deployer.evidence.misses import aftermath
from deployer.words import counted, seconds


class Timed(Protocol):
    """An answer, and what its REPORT line tells."""

    @property
    def init_ms(self) -> float | None: ...

    @property
    def duration_ms(self) -> float | None: ...

    @property
    def memory_mb(self) -> float | None: ...


@dataclass(frozen=True)
class Speed:
    """One package, over all events."""

    init_ms: float | None = None
    """Of its first sandbox; None where none was started for an event."""
    duration_ms: float | None = None
    """Of all events together; None where one is not known."""
    memory_mb: float | None = None
    """The most."""

    @property
    def total_ms(self) -> float:
        """Start and events together."""
        return (self.init_ms or 0) + (self.duration_ms or 0)


@dataclass(frozen=True)
class TrialReport:
    """Both packages on the same events; the full one had the probe in."""

    events: int
    before: Speed
    after: Speed
    misses: tuple[str, ...] = ()
    """What the guard brought, or would have."""

    @property
    def slower(self) -> float | None:
        """How many times as long the new package took; None where that is not known."""
        if self.before.duration_ms is None or self.after.duration_ms is None or not self.before.total_ms:
            return None
        return self.after.total_ms / self.before.total_ms


def compared(pairs: Sequence[tuple[Timed, Timed]], log: Iterable[str]) -> TrialReport:
    """Return the report of a trial.

    Args:
        pairs: the full package's answer and the new one's, of each event.
        log: the lines of the new package's invocations.
    """
    misses = tuple(miss.path for miss in aftermath(log, ()).misses)
    return TrialReport(len(pairs), _speed([one for one, _ in pairs]), _speed([one for _, one in pairs]), misses)


def _speed(answers: Sequence[Timed]) -> Speed:
    starts = [one.init_ms for one in answers if one.init_ms is not None]
    durations = [one.duration_ms for one in answers if one.duration_ms is not None]
    memory = [one.memory_mb for one in answers if one.memory_mb is not None]
    whole = sum(durations) if answers and len(durations) == len(answers) else None
    return Speed(starts[0] if starts else None, whole, max(memory, default=None))


def fastest(one: TrialReport, again: TrialReport) -> TrialReport:
    """Return the report with the shorter time of two rounds: a machine that was busy once is no slow package."""
    rounds = [each.after.duration_ms for each in (one, again) if each.after.duration_ms is not None]
    return replace(one, after=replace(one.after, duration_ms=min(rounds, default=None)))


def trial_lines(report: TrialReport | None) -> list[str]:
    """Return the trial in lines of text; none where there was none."""
    if report is None or not report.events:
        return []
    one, other = report.before, report.after
    figures = [
        _figures("start", one.init_ms, other.init_ms, seconds),
        _figures("events", one.duration_ms, other.duration_ms, seconds),
        _figures("memory", one.memory_mb, other.memory_mb, "{:,.0f} MB".format),
    ]
    known = ", ".join(filter(None, figures))
    lines = [f"  trial     {counted(report.events, 'event')} answered as by the full package with the probe; {known}"]
    if report.misses:
        shown = ", ".join(report.misses[:5])
        lines.append(f"            the guard brought back {counted(len(report.misses), 'file')}: {shown}; see --keep")
    return lines


def _figures(name: str, before: float | None, after: float | None, show: "_Show") -> str:
    if before is None or after is None:
        return ""
    return f"{name} {show(before)} -> {show(after)}"


class _Show(Protocol):
    def __call__(self, value: float, /) -> str: ...
