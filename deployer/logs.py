"""Two ways to take evidence from a log: event by event, or aggregated by Logs Insights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, assert_never

from deployer.aws import Aws, Insights, Logs
from deployer.aws.insights import TooManyRowsError
from deployer.errors import CloudError, MissingError
from deployer.evidence import Aggregate, Question, Tally, Topic, questions
from deployer.models import Evidence, Touch

Via = Literal["events", "insights"]
Advance = Callable[[int], Any]


class Taken(Protocol):
    """What was taken of one package's log so far."""

    def take(self, group: str, since: int, until: int, advance: Advance) -> None:
        """Takes one time of a log group: milliseconds since 1970, the end exclusive."""
        ...

    def evidence(self) -> Evidence:
        """What all of it tells."""
        ...


class Source(Protocol):
    """Where evidence is taken from."""

    def begin(self, label: str) -> Taken:
        """Nothing yet of the package with this label."""
        ...


def source(aws: Aws, via: Via) -> Source:
    """The way that the user wants."""
    match via:
        case "events":
            return _Events(aws.logs)
        case "insights":
            return _Rows(aws.insights)
        case _:
            assert_never(via)


# -- event by event --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Events:
    logs: Logs

    def begin(self, label: str) -> Taken:
        return _Counted(self.logs, Tally(label))


@dataclass(frozen=True)
class _Counted:
    logs: Logs
    tally: Tally

    def take(self, group: str, since: int, until: int, advance: Advance) -> None:
        for event in self.logs.events(group, since, until, advance):
            self.tally.read(event)

    def evidence(self) -> Evidence:
        return self.tally.evidence()


# -- aggregated ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    insights: Insights

    def begin(self, label: str) -> Taken:
        return _Aggregated(self.insights, label, Aggregate(label))


@dataclass(frozen=True)
class _Aggregated:
    insights: Insights
    label: str
    aggregate: Aggregate

    def take(self, group: str, since: int, until: int, advance: Advance, only: Topic | Touch | None = None) -> None:
        """Asks every question of this time, or one; of each half of it where the answer is too long."""
        asked = [one for one in questions(self.label, since, until) if only in {None, one.about}]
        try:
            running = [self.insights.start(group, question.query, since, until) for question in asked]
        except MissingError:
            return
        for question, query in zip(asked, running, strict=True):
            try:
                rows = list(self.insights.rows(query))
            except TooManyRowsError as error:
                middle = (since + until) // 2
                if middle == since:
                    raise CloudError("One millisecond of the log has more paths than Logs Insights answers.") from error
                self.take(group, since, middle, advance, question.about)
                self.take(group, middle, until, advance, question.about)
            else:
                self._add(question, rows)
                advance(len(rows))

    def _add(self, question: Question, rows: list[dict[str, str]]) -> None:
        try:
            self.aggregate.add(question.about, rows)
        except (KeyError, ValueError) as error:
            raise CloudError(
                f"Logs Insights answered otherwise than it was asked ({question.about}: {error}).",
                "Leave --via insights out: the events themselves are read then.",
            ) from error

    def evidence(self) -> Evidence:
        return self.aggregate.evidence()
