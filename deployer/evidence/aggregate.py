"""The same Evidence from rows that CloudWatch Logs Insights has aggregated on AWS's own engine.

A sandbox logs a path once for each kind of touch, so the number of lines that hold it is the number of sandboxes.
``unnest`` takes one list, so each kind is a question of its own. What rows cannot tell is left at zero: lines of
others, lines that came twice, and gaps in a sandbox's numbers.

Sources: CloudWatch Logs User Guide, "unnest", "stats" and "Boolean, comparison, numeric, datetime, and other
functions" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html). ``parse`` is not used: it
takes JSON of at most 200 fields, and each path is one. ``count_distinct`` is not used: it is approximate.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deployer.evidence.tally import Trace, normalised, rfc3339
from deployer.models import Evidence, LineCount, Phase, Touch
from probe_layer.record import HEAD

Row = Mapping[str, str]
"""A row of a result: field -> value, as GetQueryResults gives it; a field without a value is absent."""


class Topic(StrEnum):
    """What a question is about, if not about one kind of touch."""

    LINES = "lines"
    STARTS = "starts"
    FAULTS = "faults"


@dataclass(frozen=True)
class Question:
    """What is asked of Insights."""

    about: Topic | Touch
    query: str


def questions(package: str, since: int, until: int) -> tuple[Question, ...]:
    """All that is to be asked of a time of the log.

    Args:
        package: the label of the package.
        since: milliseconds since 1970, inclusive: StartQuery itself takes whole seconds.
        until: milliseconds since 1970, exclusive.
    """
    # No name given here is one of the record's own fields: Insights has found those by itself.
    ours = (
        f"filter @message like '{HEAD}'"
        " | fields toMillis(@timestamp) as moment, jsonParse(@message) as parsed"
        f" | filter moment >= {since} and moment < {until}"
        " | fields parsed.package as of_package, parsed.share as of_share"
    )
    mine = f'{ours} | filter of_package = "{package}"'
    count = "stats count(*) as records"
    times = "min(moment) as first, max(moment) as last"
    asked: dict[Topic | Touch, str] = {
        Topic.LINES: f"{ours} | {count}, sum(parsed.invocations) as finished, {times} by of_package",
        Topic.STARTS: f"{mine} | filter parsed.line = 0 | {count} by of_share",
        Topic.FAULTS: f"{mine} | unnest parsed.faults into fault | filter ispresent(fault) | {count} by fault",
    }
    who = ", ".join(f"earliest(parsed.{name}) as first_{name}" for name in ("sandbox", "phase", "request"))
    for touch in Touch:
        each = f"unnest parsed.touched.{touch} into path | filter ispresent(path)"
        asked[touch] = f"{mine} | {each} | {count}, {times}, {who} by path"
    return tuple(Question(about, query) for about, query in asked.items())


class Aggregate:
    """All rows so far of one package's log."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._traces: dict[str, Trace] = {}
        self._faults: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        self._started = 0
        self._population = 0.0
        self._invocations = 0
        self._moments: list[int] = []

    def add(self, about: Topic | Touch, rows: Iterable[Row]) -> None:
        """The answer to one question of one time.

        Raises:
            ValueError: a number is none; KeyError: a field that was asked for is not there.
        """
        for row in rows:
            match about:
                case Topic.LINES:
                    self._line(row)
                case Topic.STARTS:
                    self._started += _whole(row["records"])
                    self._population += _whole(row["records"]) / float(row.get("of_share") or 1)
                case Topic.FAULTS:
                    self._faults[row["fault"]] += _whole(row["records"])
                case _:
                    self._touch(about, row)

    def _line(self, row: Row) -> None:
        """Lines of one package; those of none could not be parsed: cut off, or something stands before them."""
        package, records = row.get("of_package"), _whole(row["records"])
        if package != self._package:
            self._lines["other_package" if package else "cut"] += records
            return
        self._lines["records"] += records
        self._invocations += _whole(row.get("finished") or "0")
        self._moments += [_whole(row["first"]), _whole(row["last"])]

    def _touch(self, touch: Touch, row: Row) -> None:
        path = normalised(row["path"])
        if path is None:
            return
        phase = row.get("first_phase", "")
        known = phase if phase in frozenset(Phase) else Phase.IDLE
        moment = (_whole(row["first"]), row.get("first_sandbox", ""), str(known), row.get("first_request", ""))
        self._traces.setdefault(path, Trace(moment)).touch(moment, touch, _whole(row["records"]))

    def evidence(self) -> Evidence:
        """What the rows tell."""
        return Evidence(
            package=self._package,
            paths={path: trace.evidence() for path, trace in sorted(self._traces.items())},
            sandboxes=max([self._started, *(trace.sandboxes for trace in self._traces.values())]),
            invocations=self._invocations,
            lines=LineCount(**self._lines),
            faults=dict(sorted(self._faults.items())),
            since=rfc3339(min(self._moments)) if self._moments else "",
            until=rfc3339(max(self._moments)) if self._moments else "",
            population=self._population,
        )


def _whole(text: str) -> int:
    """A number as Insights writes it: ``12``, ``12.0`` or ``1.738E12``."""
    return int(text) if text.isdigit() else int(float(text))
