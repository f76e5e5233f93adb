"""Two ways to take evidence from a log: event by event, or aggregated by Logs Insights."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, assert_never

from deployer.aws import Aws, Insights, Logs
from deployer.aws.insights import TooManyRowsError
from deployer.errors import CloudError, MissingError
from deployer.evidence import Aggregate, Tally, Topic, lists_in, query
from deployer.models.evidence import Evidence

Via = Literal["events", "insights"]
Advance = Callable[[int], Any]
_Table = list[dict[str, str]]
_WITHOUT = "Leave --via insights out: the events themselves are read then."


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

    def take(self, group: str, since: int, until: int, advance: Advance) -> None:
        lists: _Table = []
        started = self.aggregate.started
        given = Counter[str]()
        for about, rows in self._ask(group, since, until, list(Topic)):
            self._add(about, rows)
            given[about] += len(rows)
            lists += rows if about == Topic.LISTS else []
        names = lists_in(lists)
        for about, rows in self._ask(group, since, until, names):
            self._add(about, rows)
            given[about] += len(rows)
            advance(len(rows))
        # A sandbox that starts touches something: an engine that says otherwise must not drop files.
        nothing = not names and not given[Topic.PACKED]
        if not all(given[name] for name in names) or (self.aggregate.started > started and nothing):
            raise CloudError("Logs Insights counted records and gave none of their paths.", _WITHOUT)

    def _ask(self, group: str, since: int, until: int, about: Sequence[str]) -> Iterator[tuple[str, _Table]]:
        """The answers of this time; of each half of it where one is too long."""
        try:
            asked = [self.insights.start(group, query(one, self.label, since, until), since, until) for one in about]
        except MissingError:
            return
        for one, number in zip(about, asked, strict=True):
            try:
                yield one, list(self.insights.rows(number))
            except TooManyRowsError as error:
                middle = (since + until) // 2
                if middle == since:
                    raise CloudError("One millisecond of the log has more paths than Logs Insights answers.") from error
                yield from self._ask(group, since, middle, [one])
                yield from self._ask(group, middle, until, [one])

    def _add(self, about: str, rows: _Table) -> None:
        try:
            self.aggregate.add(about, rows)
        except (KeyError, ValueError) as error:
            raise CloudError(
                f"Logs Insights answered otherwise than it was asked ({about}: {error}).",
                _WITHOUT,
            ) from error

    def evidence(self) -> Evidence:
        return self.aggregate.evidence()
