"""Recorded events: sent to the full package while it is probed, and again to the new package before traffic sees it."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deployer.aws.invocations import Reply
from deployer.deploy.answers import Place, differences, matches, shape_of, written
from deployer.deploy.recorded_events import read_events
from deployer.errors import LdeployError, TrialFailedError
from deployer.evidence.invocations import read_report
from deployer.notices import Notices
from deployer.report.trial_report import TrialReport, compared, fastest
from deployer.state.state import Answer, Recorded

SUFFIX: Final = "-ldeploy-trial"
"""The name of the function on which a package is tried ends with this."""
NOTE: Final = "ldeploy trial of {0}: it may be deleted"
"""The description by which such a function is known."""
LONGEST: Final = 64
"""Characters of a function's name (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html)."""
_PASSING: Final = frozenset({"requestId", "stackTrace"})
"""Of an error's fields, those that are others each time, or without sources."""


_SHOWN: Final = 5
"""Places that a message names."""


def trial_name(function: str) -> str:
    """Return the name of the function on which a package of this one is tried."""
    if len(function) + len(SUFFIX) <= LONGEST:
        return function + SUFFIX
    digest = hashlib.sha256(function.encode()).hexdigest()[:8]
    return f"{function[: LONGEST - len(SUFFIX) - 9]}-{digest}{SUFFIX}"


@dataclass(frozen=True)
class Expected:
    """What the user expects of a trial."""

    ignore: tuple[str, ...] = ()
    """JSON paths of what may differ in an answer."""
    max_slower: float | None = None
    """So many times the full package's time may the new one take; None for any."""


@dataclass(frozen=True)
class Trial:
    """The recorded events again, on one version of the new package."""

    send: Callable[[bytes], Reply]
    """Invokes what has the new package: a version of the function, one made for the trial, or a local sandbox."""
    notices: Notices
    function: str
    """Its name, for messages."""
    same_code: bool
    """Then the answers must be the recorded ones too; new code may mean others."""
    logs: list[str]
    """The end of each invocation's log is added to it."""
    expected: Expected = Expected()

    def run(self, recorded: Recorded) -> TrialReport:
        """Send each recorded event whose answer is known.

        An answer that differs only where it is not the same twice (a time, a random number), or where the user says so,
        is no failure. What failed before may fail as it did, but not otherwise, and is no failure where it does not
        fail any more.

        Raises:
            TrialFailedError: the new package fails where the full one did not, answers otherwise or takes longer; or
                the trial cannot be made.
        """
        try:
            pairs = [(before, self._try(event, payload, before)) for event, payload, before in self._recorded(recorded)]
            report = compared(pairs, [line for log in self.logs for line in log.splitlines()])
            if self._is_slower(report):
                again = [(before, self._answer(payload)) for _, payload, before in self._recorded(recorded)]
                report = fastest(report, compared(again, ()))
        except TrialFailedError:
            raise
        except (LdeployError, OSError) as error:
            advice = error.advice if isinstance(error, LdeployError) else ""
            raise TrialFailedError(
                f"The trial could not be made, so the package before stays: {error}",
                advice or "Fix that and run the same command again.",
            ) from error
        if self._is_slower(report):
            raise TrialFailedError(
                f"With the new package {self.function} takes {report.slower:.2f} times as long as with the full one and"
                f" the probe ({report.after.total_ms:.0f} ms, not {report.before.total_ms:.0f} ms).",
                "Give a greater --max-slower, or find out what is slow with ldeploy report.",
            )
        return report

    def _is_slower(self, report: TrialReport) -> bool:
        most = self.expected.max_slower
        return most is not None and report.slower is not None and report.slower > most

    def _recorded(self, recorded: Recorded) -> Iterator[tuple[str, bytes, Answer]]:
        for event, payload in read_events(Path(recorded.folder)):
            before = recorded.answers.get(event)
            if before and before.event == hashlib.sha256(payload).hexdigest():
                yield event, payload, before
            elif before:
                text = f"{event} was changed since it was sent to the full package: it was not tried."
                self.notices.warn(text)

    def _try(self, event: str, payload: bytes, before: Answer) -> Answer:
        reply = self._send(payload)
        now = digest(reply, payload)
        if now == before or (before.failed and not now.failed):
            return now
        if now.failed and not before.failed:
            raise self._failure("failed", event)
        if not self.same_code:
            text = f"{self.function} has new code and answers otherwise on {event}: the answers were not compared."
            self.notices.warn(text)
            return now
        self._compare(event, before, reply, self._send(payload))
        return now

    def _compare(self, event: str, before: Answer, reply: Reply, again: Reply) -> None:
        """Compare an answer that differs with the full package's, but for what is not the same twice."""
        how = "failed otherwise" if before.failed else "answered otherwise"
        now, then = content(reply), content(again)
        if before.shape is None or now is None or then is None:  # no JSON, or of before shapes were kept
            if reply.payload == again.payload:
                raise self._failure(how, event)
            passing: list[Place] = [()]
        else:
            named = matches(self.expected.ignore, now, before.shape)
            passing = list(differences(shape_of(then), now, named))
            if left := list(differences(before.shape, now, named.union(passing))):
                raise self._failure(how, event, left)
        if () in passing:
            self.notices.warn(
                f"{self.function} never answers the same twice on {event}: the answers were not compared."
            )
        elif passing:
            where = ", ".join(map(written, passing))
            self.notices.warn(
                f"{self.function} never answers the same twice on {event} at {where}: not compared there."
            )

    def _failure(self, how: str, event: str, places: Sequence[Place] = ()) -> TrialFailedError:
        where = f" at {', '.join(map(written, places[:_SHOWN]))}" if places else ""
        ignore = f", or --ignore '{written(places[0])}' where it may differ" if places else ""
        return TrialFailedError(
            f"With the new package {self.function} {how} on {event}{where}; the package before is back.",
            f"Send it traffic of that kind, or name the files with --keep{ignore}, and run the same command again.",
        )

    def _send(self, payload: bytes) -> Reply:
        reply = self.send(payload)
        self.logs.append(reply.log)
        return reply

    def _answer(self, payload: bytes) -> Answer:
        return digest(self._send(payload), payload)


def content(reply: Reply) -> Any:
    """Return an answer as JSON, of an error without what is another each time; None where it is no JSON."""
    try:
        answer = json.loads(reply.payload)
    except ValueError:
        return None
    if reply.error and isinstance(answer, dict):
        return {name: value for name, value in answer.items() if name not in _PASSING}
    return answer


def digest(reply: Reply, event: bytes) -> Answer:
    """Return an answer's digest: equal JSON gives equal ones, however spaced; of an error, type and message count."""
    answer = content(reply)
    known = answer is not None or reply.payload.strip() == b"null"
    canonical = json.dumps(answer, sort_keys=True).encode() if known else reply.payload
    took = next((one for one in map(read_report, reversed(reply.log.splitlines())) if one), None)
    return Answer(
        hashlib.sha256(canonical).hexdigest(),
        bool(reply.error),
        hashlib.sha256(event).hexdigest(),
        shape_of(answer) if answer is not None else None,
        took.init_ms if took else None,
        took.duration_ms if took else None,
        took.memory_mb if took else None,
    )
