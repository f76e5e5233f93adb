"""What came of each event that was sent: its answer, how long it took, cold or warm; of a failure, why."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployer.errors import LdeployError
from deployer.evidence.invocations import Invocation, Status, read_report
from deployer.words import counted, seconds
from probe_layer.record import HEAD

_PLATFORM: Final = re.compile(r"(?:INIT_START|START|END|REPORT|INIT_REPORT|XRAY) ")
_TAIL: Final = 4000
"""Characters from which on the end of a log may begin inside a line."""
_LOG_LINES: Final = 6
"""So many lines of the log are kept of an invocation that failed."""
_COLUMNS: Final = 80
_LONGEST_NAME: Final = 30
"""Characters of an event's name in the table."""


@dataclass(frozen=True)
class Sent:
    """One event that was sent."""

    event: str
    """The file's name."""
    round: int
    """From 1: each round begins with a fresh sandbox, where that was asked for."""
    failed: bool
    cold: bool
    """Whether a sandbox was started for it."""
    duration_ms: float | None
    """None where Lambda's log does not tell."""
    init_ms: float | None
    """How long the sandbox took to start; None for a warm one."""
    answer: str
    """As the function gave it."""
    error_type: str = ""
    """Lambda's: ``ModuleNotFoundError``, ``Sandbox.Timedout``."""
    error: str = ""
    log: tuple[str, ...] = ()
    """The last lines that the function wrote, where it failed; without the probe's own."""


def read_sent(event: str, number: int, payload: bytes, failed: bool, log: str) -> Sent:
    """Return what an invocation's answer and the end of its log tell.

    Args:
        event: name of its file.
        number: of the round.
        payload: the answer.
        failed: whether Lambda says that the function failed.
        log: the last 4 KB of its log.
    """
    report = _report(log)
    answer = payload.decode("utf-8", "replace")
    error = _fields(answer) if failed else {}
    return Sent(
        event=event,
        round=number,
        failed=failed,
        cold=report.init_ms is not None or "INIT_REPORT" in log,
        duration_ms=report.duration_ms,
        init_ms=report.init_ms,
        answer="" if failed else answer,
        error_type=str(error.get("errorType") or ("Unknown" if failed else "")),
        error=str(error.get("errorMessage") or "") if failed else "",
        log=tuple(_last_lines(log, error)) if failed else (),
    )


def _report(log: str) -> Invocation:
    found = [one for one in map(read_report, log.splitlines()) if one]
    return found[-1] if found else Invocation("", Status.SUCCESS)


def _fields(answer: str) -> dict[str, Any]:
    try:
        fields = json.loads(answer)
    except ValueError:
        return {"errorMessage": answer}
    return fields if isinstance(fields, dict) else {"errorMessage": answer}


def _last_lines(log: str, error: dict[str, Any]) -> list[str]:
    """Return the function's own last lines; where the probe's fill the log, the error's own stack trace."""
    lines = [line.rstrip() for line in log.replace("\r", "\n").splitlines()]
    if len(log) >= _TAIL:  # its first line may be the end of a longer one
        del lines[0]
    own = [line for line in lines if line and HEAD not in line and not _is_platform(line)]
    trace = error.get("stackTrace")
    stack = [line.rstrip() for text in trace for line in str(text).splitlines()] if isinstance(trace, list) else []
    return (own or stack)[-_LOG_LINES:]


def _is_platform(line: str) -> bool:
    return bool(_PLATFORM.match(line)) or (line.startswith('{"time":') and '"type":"platform.' in line.replace(" ", ""))


def sent_lines(sent: Sequence[Sent], *, answers: bool) -> Iterator[str]:
    """Yield one row an event, 80 columns wide; below a failed one its error and the last lines of its log.

    Args:
        sent: the events.
        answers: whether to show what was answered; else only failures are shown.
    """
    shown = [one for one in sent if answers or one.failed]
    rounds = len({one.round for one in sent}) > 1
    names = [_cut(f"{one.round:>2}. {one.event}" if rounds else one.event, _LONGEST_NAME) for one in shown]
    width = max(map(len, names), default=0)
    told: Counter[tuple[str, str, str]] = Counter()
    for one, name in zip(shown, names, strict=True):
        failure = (one.event, one.error_type, one.error)
        if answers or not told[failure]:
            yield _row(one, f"{name:<{width}}")
        if not told[failure]:
            yield from _failure(one)
        told[failure] += one.failed
    for (event, kind, _), times in told.items():
        if times > 1:
            yield f"    {_cut(event, _LONGEST_NAME)} failed so {times:,} times ({kind})"


def _row(one: Sent, name: str) -> str:
    took = seconds(one.duration_ms) if one.duration_ms is not None else "-"
    start = f"cold {seconds(one.init_ms)}" if one.init_ms is not None else "cold" if one.cold else "warm"
    said = f"{one.error_type}" if one.failed else " ".join(one.answer.split())
    row = f"    {name}{took:>9}  {start:<12}"
    return f"{row}{_cut(said, _COLUMNS - len(row))}".rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _failure(one: Sent) -> Iterator[str]:
    if one.failed:
        yield f"      failed: {one.error_type}{': ' if one.error else ''}{' '.join(one.error.split())}"
        yield from (f"      | {line}" for line in one.log)


def check_some_answered(sent: Sequence[Sent]) -> None:
    """Check that not every event failed.

    Raises:
        LdeployError: each one did, so that nothing can be learned from them.
    """
    if not sent or not all(one.failed for one in sent):
        return
    told = "".join(f"\n{line}" for line in _failure(sent[0]))
    raise LdeployError(
        f"The function failed on {'the one event' if len(sent) == 1 else f'all {len(sent):,} events'}.",
        f"See to it that it answers, and run the same command again. The first was {sent[0].event}:{told}",
    )


def tally(sent: Sequence[Sent]) -> str:
    """Return how many were sent and failed: ``"6 events sent, 1 failed, 2 cold starts"``."""
    failed, cold = sum(one.failed for one in sent), sum(one.cold for one in sent)
    return f"{counted(len(sent), 'event')} sent, {failed:,} failed, {counted(cold, 'cold start')}"
