"""Logs Insights: what is asked of it, and that its rows become the evidence that the events themselves give.

No engine of Insights is to be had here: ``answers`` says what the documentation says of each command.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from deployer.aws import Insights
from deployer.aws.insights import MOST_ROWS, PAGE, TooManyRowsError
from deployer.errors import CloudError, MissingError
from deployer.evidence import Aggregate, Topic, gather, lists_in, merge, query
from deployer.evidence.collector import names_package
from deployer.evidence.insights_rows import NAMES
from deployer.models.evidence import Evidence, LineCount, LogEvent, Touch
from deployer.sources import SOURCES
from probe_layer.record import HEAD, Record, encode, read_touch
from tests.unit.old_lines import old_line

LABEL = "0123456789abcdef"
GROUP = "/aws/lambda/f"


# -- what Insights would answer --------------------------------------------------------------------------------


def answers(events: list[LogEvent], package: str, since: int, until: int) -> dict[str, list[dict[str, str]]]:
    """Rows for each question, from the documentation of filter, jsonParse, unnest and stats."""
    found = [(event.timestamp, parsed(event)) for event in events if HEAD in event.message]
    found = [(moment, record) for moment, record in found if since <= moment < until]
    mine = [(moment, record) for moment, record in found if record.get("package") == package]
    old = [(moment, record) for moment, record in mine if "touched" in record]
    lists = {name: [(m, r, path) for m, r in old for path in r["touched"].get(name, [])] for name in NAMES}
    portions = [(m, r, r["packed"]) for m, r in mine if "packed" in r]
    return {
        Topic.LINES: [
            row(group, of_package=name, is_named=named, finished=sum(r.get("invocations", 0) for _, r in group))
            for (name, named), group in grouped(found, lambda one: (one[1].get("package"), one[1]["is_named"]))
        ],
        Topic.STARTS: [
            row(group, of_share=share, **{"@logStream": stream})
            for (share, stream), group in grouped(
                [one for one in mine if one[1]["line"] == 0], lambda one: (one[1].get("share"), one[1]["@logStream"])
            )
        ],
        Topic.FAULTS: [
            {"records": str(len(group)), "fault": fault}
            for fault, group in grouped([(m, f) for m, r in mine for f in r.get("faults", [])], lambda one: one[1])
        ],
        Topic.PACKED: [touch_row(group, portion=portion) for portion, group in grouped(portions, lambda one: one[2])],
        Topic.LISTS: [{f"n{number}": str(len(lists[name])) for number, name in enumerate(NAMES)}],
        **{name: [touch_row(each, path=path) for path, each in grouped(lists[name], lambda x: x[2])] for name in NAMES},
    }


def parsed(event: LogEvent) -> dict[str, Any]:
    """What jsonParse finds, and what is known of each event."""
    known = {"@logStream": event.stream, "is_named": int(names_package(LABEL) in event.message)}
    try:
        return {**json.loads(event.message), **known}
    except ValueError:
        return known


def grouped(items: list[Any], key: Any) -> list[tuple[Any, list[Any]]]:
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return list(groups.items())


def row(group: list[Any], **values: Any) -> dict[str, str]:
    moments = [one[0] for one in group]
    values |= {"records": len(group), "first": min(moments), "last": max(moments)}
    return {name: str(value) for name, value in values.items() if value is not None}


def touch_row(group: list[Any], **values: Any) -> dict[str, str]:
    moment, record, _ = min(group, key=lambda one: (one[0], one[1]["sandbox"], one[1]["phase"]))
    values |= {"records": len(group), "first": moment}
    values |= {f"first_{name}": record.get(name) for name in ("sandbox", "phase", "request")}
    return {name: str(value) for name, value in values.items() if value is not None}


def aggregated(events: list[LogEvent], *bounds: int) -> Evidence:
    found = Aggregate(LABEL)
    for since, until in pairwise(bounds):
        for about, rows in answers(events, LABEL, since, until).items():
            found.add(about, rows)
    return found.evidence()


# -- rows become evidence --------------------------------------------------------------------------------------


@st.composite
def logs(draw: st.DrawFn) -> list[LogEvent]:
    """Sandboxes that log each path once for each kind, something at their start, a line a second."""
    events: list[LogEvent] = []
    for number in range(draw(st.integers(0, 5))):
        write = draw(st.sampled_from([old_line, lambda record: encode(record)[0]]))
        share = draw(st.sampled_from([1.0, 0.25]))
        seen: set[tuple[str, str]] = set()
        for line in range(draw(st.integers(1, 3))):
            touched: dict[str, list[str]] = {} if line else {"listed": ["."]}
            for name, path in draw(st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from("abcd")), max_size=4)):
                kind = read_touch(name)[0]
                if (kind, path) not in seen:
                    seen.add((kind, path))
                    touched.setdefault(name, []).append(path)
            record = Record(
                timestamp="2026-01-01T00:00:00Z",
                level="INFO",
                sandbox=f"{number:016}",
                line=line,
                package=draw(st.sampled_from([LABEL, LABEL, LABEL, "f" * 16])) if line == 0 else LABEL,
                phase="start" if line == 0 else "invoke",
                request=None if line == 0 else f"request {line}",
                invocations=line,
                witnesses=[],
                faults=draw(st.lists(st.sampled_from(["overflow", "shim-missing"]), unique=True)),
                touched=touched,
                share=share,
            )
            moment = 1_000 * (draw(st.integers(0, 50)) * 100 + len(events))
            events.append(LogEvent(f"{len(events)}", moment, write(record), f"stream {number}"))
    return events


def comparable(evidence: Evidence) -> Evidence:
    """Without what rows cannot tell."""
    paths = {path: replace(seen, imported_by="") for path, seen in evidence.paths.items()}
    return replace(evidence, paths=paths, lines=replace(evidence.lines, foreign=0, doubled=0, lost=0))


@given(logs())
def test_rows_give_the_evidence_that_the_events_give(events: list[LogEvent]) -> None:
    assert comparable(aggregated(events, 0, 10**12)) == comparable(gather(events, LABEL))


@given(logs(), st.integers(0, 6_000_000))
def test_a_time_asked_in_two_halves_gives_the_same(events: list[LogEvent], middle: int) -> None:
    whole, halves = aggregated(events, 0, 10**12), aggregated(events, 0, middle, 10**12)
    assert halves == whole


def test_lines_that_are_cut_or_have_something_before_them_are_counted() -> None:
    whole = encode(Record("2026-01-01T00:00:00Z", "INFO", "5" * 16, 0, LABEL, "start", None, 0, [], [], {}))[0]
    texts = [whole, whole[:90], f"printed{whole}", whole[:30]]
    events = [LogEvent(str(number), number, text, "stream") for number, text in enumerate(texts)]
    assert aggregated(events, 0, 10).lines == LineCount(records=1, cut=2, misfit=1)


def test_a_field_that_no_probe_writes_does_not_fit_and_stops_nothing() -> None:
    record = Record("2026-01-01T00:00:00Z", "INFO", "5" * 16, 0, LABEL, "start", None, 0, [], [], {"opened": ["a"]})
    forged = record._replace(sandbox="6" * 16, share=5e-324, invocations=10**30)
    events = [LogEvent("1", 1, encode(record)[0], "one"), LogEvent("2", 2, encode(forged)[0], "two")]
    events.append(LogEvent("3", 3, encode(record)[0].replace('"packed":"', '"packed":"?'), "three"))
    found = aggregated(events, 0, 10)
    assert (found.population, found.invocations, set(found.paths)) == (2, 0, {"a"})


def test_one_log_stream_is_one_sandbox_however_often_it_starts() -> None:
    record = Record("2026-01-01T00:00:00Z", "INFO", "5" * 16, 0, LABEL, "start", None, 0, [], [], {})
    forged = [encode(record._replace(sandbox=f"{number:016}"))[0] for number in range(250)]
    found = aggregated([LogEvent(text, number, text, "one") for number, text in enumerate(forged)], 0, 100, 1_000)
    assert (found.sandboxes, found.population) == (1, 1)


@pytest.mark.parametrize("number", ["1738324800123", "1.738324800123E12", "1738324800123.0"])
def test_numbers_are_read_however_insights_writes_them(number: str) -> None:
    found = Aggregate(LABEL)
    found.add(
        Touch.OPENED, [{"path": "a", "records": "2", "first": number, "first_sandbox": "s", "first_phase": "start"}]
    )
    assert found.evidence().paths["a"].first_seen == "2025-01-31T12:00:00.123Z"


def test_evidence_from_rows_and_from_events_can_be_merged() -> None:
    rows = Aggregate(LABEL)
    rows.add(Touch.OPENED, [{"path": "a", "records": "1", "first": "5", "first_sandbox": "s", "first_phase": "start"}])
    assert merge(rows.evidence(), gather([], LABEL)).paths.keys() == {"a"}


# -- the questions ---------------------------------------------------------------------------------------------


QUERIES = {about: query(about, LABEL, 1_500, 2_500) for about in [*Topic, *NAMES]}


def test_no_name_is_given_that_the_record_has_itself() -> None:
    """Insights finds the fields of a JSON line by itself: a name of ours would mean two things."""
    given = {name for text in QUERIES.values() for name in re.findall(r"(?:as|into) (\w+)", text)}
    assert not given & {*Record._fields, "record"}


def test_every_question_is_of_this_package_and_time_and_short_enough() -> None:
    assert all("moment >= 1500 and moment < 2500" in text for text in QUERIES.values())
    assert all(LABEL in text for about, text in QUERIES.items() if about != Topic.LINES)
    assert max(map(len, QUERIES.values())) < 10_000  # StartQuery's limit
    assert "unnest parsed.touched.`looked` into path" in QUERIES["looked"]


def test_paths_are_asked_for_as_they_are_written() -> None:
    assert "fields parsed.packed as portion | filter ispresent(portion)" in QUERIES[Topic.PACKED]


def test_every_kind_of_touch_can_be_asked_for() -> None:
    assert {read_touch(name)[0] for name in NAMES} == set(Touch)


def test_only_lists_that_there_are_are_asked_for() -> None:
    assert lists_in([{"n0": "0", "n1": "2"}, {"n0": "0", "n3": "1.0"}]) == [NAMES[1], NAMES[3]]


# -- the client, against recorded answers ----------------------------------------------------------------------


@pytest.fixture
def stub() -> Iterator[Any]:
    client: Any = boto3.client("logs", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
    client.close()


def result(status: str, rows: list[dict[str, str]], token: str | None = None) -> dict[str, Any]:
    fields = [[{"field": name, "value": value} for name, value in row.items()] for row in rows]
    return {"status": status, "results": fields, **({"nextToken": token} if token else {})}


def test_a_query_is_asked_in_seconds_that_hold_the_time_and_polled_until_it_is_complete(stub: Any) -> None:
    asked = {"logGroupName": GROUP, "startTime": 1, "endTime": 4, "queryString": "q", "limit": MOST_ROWS}
    stub.add_response("start_query", {"queryId": "7"}, asked)
    for status in ("Scheduled", "Running", "Complete"):
        stub.add_response("get_query_results", result(status, [{"a": "1"}]), {"queryId": "7", "maxItems": PAGE})
    insights = Insights(stub.client, poll=0)
    assert insights.start(GROUP, "q", 1_999, 3_001) == "7"
    assert list(insights.rows("7")) == [{"a": "1"}]


def test_every_page_of_an_answer_is_read(stub: Any) -> None:
    stub.add_response("get_query_results", result("Complete", [{"a": "1"}], "more"), {"queryId": "7", "maxItems": PAGE})
    second = {"queryId": "7", "maxItems": PAGE, "nextToken": "more"}
    stub.add_response("get_query_results", result("Complete", [{"a": "2"}]), second)
    assert [found["a"] for found in Insights(stub.client, poll=0).rows("7")] == ["1", "2"]


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
def test_a_query_that_was_given_up_is_said_so(stub: Any, status: str) -> None:
    stub.add_response("get_query_results", result(status, []), {"queryId": "7", "maxItems": PAGE})
    with pytest.raises(CloudError, match=status):
        list(Insights(stub.client, poll=0).rows("7"))


def test_a_group_that_is_not_there_yet_has_no_evidence(stub: Any) -> None:
    stub.add_client_error("start_query", "ResourceNotFoundException", "no such group")
    with pytest.raises(MissingError):
        Insights(stub.client).start(GROUP, "q", 0, 1)


# -- an engine that keeps a log and answers as documented ------------------------------------------------------


class Engine:
    """Stands for ``Insights``: answers of one log, never more rows than a most."""

    def __init__(self, events: list[LogEvent], most: int) -> None:
        self.events, self.most = events, most
        self.started: list[tuple[str, int, int]] = []

    def start(self, group: str, asked: str, since: int, until: int) -> str:
        about = next(one for one in [*Topic, *NAMES] if asked == query(one, LABEL, since, until))
        self.started.append((about, since, until))
        return str(len(self.started) - 1)

    def rows(self, number: str) -> Any:
        about, since, until = self.started[int(number)]
        found = answers(self.events, LABEL, since, until)[about]
        yield from found[: self.most]
        if len(found) >= self.most:
            raise TooManyRowsError


class Deaf(Engine):
    """Does not understand the question about some topics."""

    def __init__(self, events: list[LogEvent], deaf_to: set[str]) -> None:
        super().__init__(events, MOST_ROWS)
        self.deaf_to = deaf_to

    def rows(self, number: str) -> Any:
        return iter(()) if self.started[int(number)][0] in self.deaf_to else super().rows(number)


class Account:
    def __init__(self, insights: Any) -> None:
        self.insights = insights


@given(logs(), st.integers(5, 8))
def test_where_an_answer_is_too_long_halves_of_the_time_are_asked(events: list[LogEvent], most: int) -> None:
    taken = SOURCES["insights"](Account(Engine(events, most))).begin(LABEL)  # type: ignore[arg-type]
    taken.collect(GROUP, 0, 10**7, lambda rows: None)
    assert comparable(taken.evidence()) == comparable(gather(events, LABEL))


def test_more_paths_in_a_millisecond_than_there_are_rows_is_said() -> None:
    line = Record(
        "2026-01-01T00:00:00Z", "INFO", "5" * 16, 0, LABEL, "start", None, 0, [], [], {"opened": list("abcdef")}
    )
    taken = SOURCES["insights"](Account(Engine([LogEvent("1", 5, old_line(line))], 3))).begin(LABEL)  # type: ignore[arg-type]
    with pytest.raises(CloudError, match="millisecond"):
        taken.collect(GROUP, 0, 1_000, lambda rows: None)


@pytest.mark.parametrize(
    ("about", "write"), [(Topic.LISTS, old_line), ("opened", old_line), (Topic.PACKED, lambda one: encode(one)[0])]
)
def test_an_engine_that_counts_sandboxes_and_gives_no_paths_is_not_believed(
    about: str, write: Callable[[Record], str]
) -> None:
    line = Record("2026-01-01T00:00:00Z", "INFO", "5" * 16, 0, LABEL, "start", None, 0, [], [], {"opened": ["a"]})
    engine = Deaf([LogEvent("1", 5, write(line))], {about})
    taken = SOURCES["insights"](Account(engine)).begin(LABEL)  # type: ignore[arg-type]
    with pytest.raises(CloudError, match="none of their paths"):
        taken.collect(GROUP, 0, 1_000, lambda rows: None)
