"""Recorded events: sent to the full package while it is probed, and again to the new package before traffic sees it."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.aws.invocations import Reply
from deployer.deploy.recorded_events import read_events
from deployer.errors import LdeployError, TrialFailedError
from deployer.notices import Notices
from deployer.state.state import Answer, Recorded

SUFFIX: Final = "-ldeploy-trial"
"""The name of the function on which a package is tried ends with this."""
NOTE: Final = "ldeploy trial of {0}: it may be deleted"
"""The description by which such a function is known."""
LONGEST: Final = 64
"""Characters of a function's name (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html)."""
_PASSING: Final = frozenset({"requestId", "stackTrace"})
"""Of an error's fields, those that are others each time, or without sources."""


def trial_name(function: str) -> str:
    """Return the name of the function on which a package of this one is tried."""
    if len(function) + len(SUFFIX) <= LONGEST:
        return function + SUFFIX
    digest = hashlib.sha256(function.encode()).hexdigest()[:8]
    return f"{function[: LONGEST - len(SUFFIX) - 9]}-{digest}{SUFFIX}"


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

    def run(self, recorded: Recorded) -> None:
        """Send each recorded event whose answer is known.

        An answer that differs but is not the same twice (a time, a random number) is no failure. What failed before
        may fail as it did, but not otherwise, and is no failure where it does not fail any more.

        Raises:
            TrialFailedError: the new package fails where the full one did not, or answers otherwise; or the trial
                cannot be made.
        """
        try:
            for event, payload, before in self._recorded(recorded):
                self._try(event, payload, before)
        except TrialFailedError:
            raise
        except (LdeployError, OSError) as error:
            advice = error.advice if isinstance(error, LdeployError) else ""
            raise TrialFailedError(
                f"The trial could not be made, so the package before stays: {error}",
                advice or "Mend that and run the same command again.",
            ) from error

    def _recorded(self, recorded: Recorded) -> Iterator[tuple[str, bytes, Answer]]:
        for event, payload in read_events(Path(recorded.folder)):
            before = recorded.answers.get(event)
            if before and before.event == hashlib.sha256(payload).hexdigest():
                yield event, payload, before
            elif before:
                text = f"{event} was changed since it was sent to the full package: it was not tried."
                self.notices.warn(text)

    def _try(self, event: str, payload: bytes, before: Answer) -> None:
        now = self._answer(payload)
        if now == before or (before.failed and not now.failed):
            return
        fails = now.failed and not before.failed
        if fails or (self.same_code and self._answer(payload) == now):
            how = "failed otherwise" if before.failed else "failed" if fails else "answered otherwise"
            raise TrialFailedError(
                f"With the new package {self.function} {how} on {event}; the package before is back.",
                "Send it traffic of that kind, or name the files with --keep, and run the same command again.",
            )
        why = "never answers the same twice" if self.same_code else "has new code and answers otherwise"
        self.notices.warn(f"{self.function} {why} on {event}: the answers were not compared.")

    def _answer(self, payload: bytes) -> Answer:
        reply = self.send(payload)
        self.logs.append(reply.log)
        return digest(reply, payload)


def digest(reply: Reply, event: bytes) -> Answer:
    """Return an answer's digest: equal JSON gives equal ones, however spaced; of an error, type and message count."""
    try:
        answer = json.loads(reply.payload)
        if reply.error and isinstance(answer, dict):
            answer = {name: value for name, value in answer.items() if name not in _PASSING}
        canonical = json.dumps(answer, sort_keys=True).encode()
    except ValueError:
        canonical = reply.payload
    return Answer(hashlib.sha256(canonical).hexdigest(), bool(reply.error), hashlib.sha256(event).hexdigest())
