"""Sends recorded events to whatever answers them: a function in AWS, or a sandbox on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from deployer.aws.invocations import Invocations, Reply
from deployer.errors import CloudError
from deployer.instrumentation.configure import COLD_VARIABLE
from deployer.models.function import Function
from deployer.notices import Notices
from deployer.report.sent import Sent, read_sent

Events = Sequence[tuple[str, bytes]]
"""File name and payload."""
SHOWN: Final = 4096
"""Characters of an answer that are kept."""


class Session(Protocol):
    """What answers events."""

    def send(self, payload: bytes) -> Reply:
        """Send one event and wait for its answer."""
        ...

    def renew(self) -> None:
        """Have the next event answered by a fresh sandbox."""
        ...


@dataclass(frozen=True)
class Answered:
    """One event with its answer."""

    event: str
    payload: bytes
    reply: Reply
    sent: Sent


def send_rounds(session: Session, events: Events, rounds: int, notices: Notices) -> list[Answered]:
    """Send every event once; with rounds, so often, each time to a fresh sandbox.

    Args:
        session: what answers.
        events: what is sent.
        rounds: 0 takes the sandboxes as they are.
        notices: who is told of the progress.
    """
    answered = []
    with notices.bar("invoking", len(events) * max(rounds, 1), "events") as advance:
        for number in range(1, max(rounds, 1) + 1):
            if rounds:
                session.renew()
            for event, payload in events:
                reply = session.send(payload)
                sent = read_sent(event, number, reply.payload, bool(reply.error), reply.log)
                answered.append(Answered(event, payload, reply, replace(sent, answer=sent.answer[:SHOWN])))
                advance(1)
    return answered


@dataclass
class FunctionSession:
    """A function in AWS: what is fresh is forced by a variable that the function does not read.

    Lambda starts fresh sandboxes after each change of a function's configuration; to send events side by side would
    leave it to chance how many are started. RevisionId keeps others' changes safe: theirs makes ours fail.
    """

    invocations: Invocations
    name: str
    rounds: int = 0
    """How often it was renewed."""

    def send(self, payload: bytes) -> Reply:
        """Invoke the function once."""
        return self.invocations.invoke(self.name, payload)

    def renew(self) -> None:
        """Change the variable."""
        self.rounds += 1
        functions = self.invocations.functions
        found = functions.get(self.name)
        environment = {**found.configuration.environment, COLD_VARIABLE: str(self.rounds)}
        functions.update_configuration(found, replace(found.configuration, environment=environment))

    def undo(self) -> Function | None:
        """Take the variable out again, and nothing else; return the function after that, None where it never was in."""
        if not self.rounds:
            return None
        functions = self.invocations.functions
        found = functions.get(self.name)
        environment = {name: value for name, value in found.configuration.environment.items() if name != COLD_VARIABLE}
        return functions.update_configuration(found, replace(found.configuration, environment=environment))


@contextmanager
def opened(invocations: Invocations, name: str, notices: Notices) -> Iterator[FunctionSession]:
    """Yield a session with a function; at its end, whatever happened, the configuration is what it was."""
    session = FunctionSession(invocations, name)
    try:
        yield session
    finally:
        try:
            session.undo()
        except CloudError as error:
            command = f"aws lambda update-function-configuration --function-name {name}"
            notices.warn(
                f"The variable {COLD_VARIABLE} of {name} could not be taken out again: {error} Run ldeploy invoke with"
                f" --cold 1 again, or take it out with: {command} --environment ..."
            )
