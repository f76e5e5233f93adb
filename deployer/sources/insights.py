"""Evidence from a log group, aggregated by queries of CloudWatch Logs Insights."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from deployer.aws import Insights
from deployer.aws.insights import TooManyRowsError
from deployer.errors import CloudError, MissingError
from deployer.evidence import Aggregate, Topic, lists_in, query
from deployer.models.evidence import Evidence
from deployer.sources.base import Advance, Collection

_Table = list[dict[str, str]]
_WITHOUT: Final = "Omit --via insights: the events themselves are read then."


@dataclass(frozen=True)
class InsightsSource:
    """Asks Logs Insights to count the records."""

    insights: Insights

    def begin(self, label: str) -> Collection:
        """Return an empty collection for the package with this label."""
        return _Aggregated(self.insights, label, Aggregate(label))


@dataclass(frozen=True)
class _Aggregated:
    insights: Insights
    label: str
    aggregate: Aggregate

    def collect(self, place: str, since: int, until: int, advance: Advance) -> None:
        lists: _Table = []
        started = self.aggregate.started
        given = Counter[str]()
        for about, rows in self._ask(place, since, until, list(Topic)):
            self._add(about, rows)
            given[about] += len(rows)
            lists += rows if about == Topic.LISTS else []
        names = lists_in(lists)
        for about, rows in self._ask(place, since, until, names):
            self._add(about, rows)
            given[about] += len(rows)
            advance(len(rows))
        # A sandbox that starts touches something: an engine that says otherwise must not drop files.
        nothing = not names and not given[Topic.PACKED]
        if not all(given[name] for name in names) or (self.aggregate.started > started and nothing):
            raise CloudError("Logs Insights counted records and gave none of their paths.", _WITHOUT)

    def _ask(self, place: str, since: int, until: int, about: Sequence[str]) -> Iterator[tuple[str, _Table]]:
        """Return the answers for a period; for each half of it where an answer is too long."""
        try:
            asked = [self.insights.start(place, query(one, self.label, since, until), since, until) for one in about]
        except MissingError:
            return
        for one, number in zip(about, asked, strict=True):
            try:
                yield one, list(self.insights.rows(number))
            except TooManyRowsError as error:
                middle = (since + until) // 2
                if middle == since:
                    raise CloudError("One millisecond of the log has more paths than Logs Insights answers.") from error
                yield from self._ask(place, since, middle, [one])
                yield from self._ask(place, middle, until, [one])

    def _add(self, about: str, rows: _Table) -> None:
        try:
            self.aggregate.add(about, rows)
        except (KeyError, ValueError) as error:
            raise CloudError(
                f"The answer of Logs Insights does not fit its query ({about}: {error}).",
                _WITHOUT,
            ) from error

    def evidence(self) -> Evidence:
        return self.aggregate.evidence()
