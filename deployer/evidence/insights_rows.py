"""The same Evidence from rows that CloudWatch Logs Insights has aggregated on AWS's own engine.

A sandbox logs a path once for each kind of touch, so the number of lines that hold it is the number of sandboxes.
Lines are counted by what they hold, which is unpacked here: sandboxes that touch the same write the same. Of records
of version 1, ``unnest`` takes one list, so each list of ``touched`` is a question of its own; which lists there are is
asked first.
What rows cannot tell is left out: who imported a file, lines of others, lines that came twice, and gaps in a
sandbox's numbers.

Sources: CloudWatch Logs User Guide, "unnest", "stats" and "Boolean, comparison, numeric, datetime, and other
functions" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html). ``parse`` is not used: it
takes JSON of at most 200 fields, and each path is one. ``count_distinct`` is not used: it is approximate.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from typing import Final

from deployer.evidence.collector import Streams, Trace, names_package, normalised, rfc3339
from deployer.models.evidence import Evidence, LineCount, Phase
from probe_layer.letters import Letter
from probe_layer.record import HEAD, LARGEST, SMALLEST_SHARE, CutError, name_touch, read_touch, unpack

Row = Mapping[str, str]
"""A row of a result: field -> value, as GetQueryResults gives it; a field without a value is absent."""


class Topic(StrEnum):
    """What is asked first."""

    LINES = "lines"
    STARTS = "starts"
    FAULTS = "faults"
    PACKED = "packed"
    """The paths of each line, as they are written: sandboxes that touch the same write the same."""
    LISTS = "lists"
    """Which lists of paths there are in records of version 1."""


def _names() -> tuple[str, ...]:
    """Every name that a list of ``touched`` may have: a kind, or a kind and the witnesses that saw it."""
    witnesses: dict[str, set[str]] = {}
    for letter in Letter:
        witnesses.setdefault(letter.kind, set()).add(letter.witness)
    some = ((kind, set(part)) for kind, all_of in witnesses.items() for part in _parts(all_of))
    return tuple(sorted({name_touch(kind, part) for kind, part in some}))


def _parts(witnesses: set[str]) -> Iterable[tuple[str, ...]]:
    return (part for count in range(1, len(witnesses) + 1) for part in combinations(sorted(witnesses), count))


NAMES: Final = _names()


def query(about: str, package: str, since: int, until: int) -> str:
    """A question in the language of Logs Insights.

    Args:
        about: a topic, or the name of a list of ``touched``.
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
    who = ", ".join(f"earliest(parsed.{name}) as first_{name}" for name in ("sandbox", "phase", "request"))
    match about:
        case Topic.LINES:
            named = f"fields strcontains(@message, '{names_package(package)}') as is_named"
            return f"{ours} | {named} | {count}, sum(parsed.invocations) as finished, {times} by of_package, is_named"
        case Topic.STARTS:
            return f"{mine} | filter parsed.line = 0 | {count} by of_share, @logStream"
        case Topic.FAULTS:
            return f"{mine} | unnest parsed.faults into fault | filter ispresent(fault) | {count} by fault"
        case Topic.LISTS:
            lists = ", ".join(f"count(parsed.touched.`{name}`[0]) as n{number}" for number, name in enumerate(NAMES))
            return f"{mine} | stats {lists}"
        case Topic.PACKED:
            each = "fields parsed.packed as portion | filter ispresent(portion)"
            return f"{mine} | {each} | {count}, {times}, {who} by portion"
    each = f"unnest parsed.touched.`{about}` into path | filter ispresent(path)"
    return f"{mine} | {each} | {count}, {times}, {who} by path"


def lists_in(rows: Sequence[Row]) -> list[str]:
    """The names of the lists that there are, from the answer to LISTS."""
    return [name for number, name in enumerate(NAMES) if any(_whole(row.get(f"n{number}") or "0") for row in rows)]


class Aggregate:
    """All rows so far of one package's log."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._traces: dict[str, Trace] = {}
        self._faults: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        self.started = 0
        """Sandboxes."""
        self._population = 0.0
        self._invocations = 0
        self._moments: list[int] = []
        self._streams = Streams()

    def add(self, about: str, rows: Iterable[Row]) -> None:
        """The answer to one question of one time.

        Raises:
            ValueError: a number is none; KeyError: a field that was asked for is not there.
        """
        for row in rows:
            match about:
                case Topic.LINES:
                    self._line(row)
                case Topic.STARTS:
                    self._start(row)
                case Topic.FAULTS:
                    self._faults[row["fault"]] += _whole(row["records"])
                case Topic.PACKED:
                    self._portion(row)
                case Topic.LISTS:
                    pass
                case name:
                    self._touch(name, [row["path"]], row)

    def _line(self, row: Row) -> None:
        """Lines of one package; those of none could not be parsed: cut off, or something stands before them."""
        package, records = row.get("of_package"), _whole(row["records"])
        if package != self._package:
            broken = "cut" if _whole(row.get("is_named") or "0") else "misfit"
            self._lines["other_package" if package else broken] += records
            return
        self._lines["records"] += records
        finished = float(row.get("finished") or "0")
        self._invocations += int(finished) if 0 <= finished <= LARGEST else 0
        self._moments += [_whole(row["first"]), _whole(row["last"])]

    def _start(self, row: Row) -> None:
        """One log stream's sandbox: a second start in it is none."""
        share = float(row.get("of_share") or 1)
        if SMALLEST_SHARE <= share <= 1 and self._streams.starts(row["@logStream"]):
            self.started += 1
            self._population += 1 / share
        else:
            self._lines["misfit"] += _whole(row["records"])

    def _portion(self, row: Row) -> None:
        """The paths of lines that have the same ones."""
        try:
            touched, _ = unpack(row["portion"])
        except CutError:
            self._lines["misfit"] += _whole(row["records"])
            return
        for name, paths in touched.items():
            self._touch(name, paths, row)

    def _touch(self, name: str, paths: Iterable[str], row: Row) -> None:
        phase = row.get("first_phase", "")
        known = phase if phase in frozenset(Phase) else Phase.IDLE
        moment = (_whole(row["first"]), row.get("first_sandbox", ""), str(known), row.get("first_request", ""))
        times = _whole(row["records"])
        for path in filter(None, map(normalised, paths)):
            self._traces.setdefault(path, Trace(moment)).touch(moment, *read_touch(name), times)

    def evidence(self) -> Evidence:
        """What the rows tell."""
        return Evidence(
            package=self._package,
            paths={path: trace.evidence() for path, trace in sorted(self._traces.items())},
            sandboxes=max([self.started, *(trace.sandboxes for trace in self._traces.values())]),
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
