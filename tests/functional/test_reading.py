"""Logs are read in shards side by side and in parts that are kept: nothing twice, nothing missing, nothing again."""

import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from deployer.aws import Logs, Storage
from deployer.aws.clients import PACED
from deployer.aws.logs import SHORTEST_MS
from deployer.evidence import gather
from deployer.models.evidence import Evidence
from deployer.models.function import Configuration, StoredZip
from deployer.notices import Silent
from deployer.sources import SOURCES
from deployer.sources.base import Collection
from deployer.sources.reader import CLOCK_MS, LATE_MS, Reader, Window
from deployer.state.stages import Stage
from deployer.state.state import Baseline, Packages, Probe, State
from deployer.state.workspace import Workspace
from probe_layer.record import Record, encode
from tests.functional.local_aws import client, cloud

HOUR = 3_600_000
LABEL = "a" * 16
GROUP = "/aws/lambda/f"
BARE = Configuration("python3.11", "app.handler", "r")
ZIP = StoredZip("b", "k", "0" * 64, 10, label=LABEL)


def line(sandbox: int, number: int = 0, path: str = "app.py", label: str = LABEL) -> str:
    """One record of a sandbox."""
    touched = {"opened": [path]}
    return encode(
        Record("2026-01-01T00:00:00Z", "INFO", f"{sandbox:016}", number, label, "start", None, 1, [], [], touched)
    )[0]


@pytest.fixture
def aws():
    with cloud() as here:
        yield here


@pytest.fixture
def day(aws):
    """A day of log, an hour a sandbox, from a moment that divides into shards; gives (AWS, its first millisecond)."""
    begin = now() // HOUR * HOUR - 30 * HOUR
    for hour in range(24):
        aws.write_log("f", line(hour, path=f"{hour % 7}.py"), "not ours, of ldeploy/2 though", at=begin + hour * HOUR)
        aws.write_log("f", line(hour, 1, path=f"late {hour}.py"), at=begin + (hour + 1) * HOUR - 1)
    return aws, begin


def now() -> int:
    return time.time_ns() // 1_000_000


def events(aws: Any, since: int, until: int, shards: int) -> list[Any]:
    return list(Logs(aws.logs).events(GROUP, since, until, lambda count: None, shards))


@pytest.mark.parametrize("shards", [2, 8, 24, 1000])
def test_a_log_read_in_shards_is_the_log_read_at_once(day, shards):
    aws, begin = day
    at_once, sharded = (events(aws, begin, begin + 24 * HOUR, count) for count in (1, shards))
    assert sorted(sharded) == sorted(at_once)
    assert gather(sharded, LABEL) == gather(at_once, LABEL)
    assert gather(sharded, LABEL).lines.doubled == 0


def test_the_end_is_exclusive_and_the_beginning_is_not(day):
    aws, begin = day
    assert {event.timestamp for event in events(aws, begin + HOUR - 1, begin + HOUR, 8)} == {begin + HOUR - 1}


def test_a_group_that_is_not_there_has_no_events(aws):
    assert events(aws, 0, 10 * SHORTEST_MS, 8) == []


def test_requests_that_are_throttled_are_made_again(day):
    aws, begin = day
    aws.aws.faults.order("logs.FilterLogEvents", "throttle", times=3)
    paced = client(aws.aws, "logs", config=PACED)
    found = list(Logs(paced).events(GROUP, begin, begin + 24 * HOUR, lambda count: None))
    paced.close()
    assert len(found) == len(events(aws, begin, begin + 24 * HOUR, 1))


# -- parts that are kept ---------------------------------------------------------------------------------------


@dataclass
class CutOff:
    """A source that breaks down after so many parts; remembers what it was asked for."""

    inner: Any
    parts: int
    asked: list[tuple[int, int]] = field(default_factory=list)

    def begin(self, label: str) -> Any:
        return _CutOffTaken(self, self.inner.begin(label))


@dataclass
class _CutOffTaken:
    source: CutOff
    taken: Collection

    def collect(self, group: str, since: int, until: int, advance: Any) -> None:
        if len(self.source.asked) == self.source.parts:
            raise KeyboardInterrupt
        self.source.asked.append((since, until))
        self.taken.collect(group, since, until, advance)

    def evidence(self) -> Evidence:
        return self.taken.evidence()


class Account:
    def __init__(self, aws: Any) -> None:
        self.logs = Logs(aws.logs)


def reader(aws, folder, parts=10**6):
    cut = CutOff(SOURCES["events"](Account(aws)), parts)  # type: ignore[arg-type]
    return Reader(cut, Workspace("f", folder, Storage(aws.storage), None), Silent()), cut.asked


def probed(since: int) -> State:
    return State("f", Stage.PROBED, "b", Baseline(BARE, ZIP), Packages(ZIP), Probe(BARE, GROUP, since + CLOCK_MS))


@pytest.mark.parametrize("parts", [1, 5, 11])
def test_a_reading_that_was_cut_off_goes_on_from_the_parts_that_were_complete(day, tmp_path, parts):
    aws, begin = day
    moment = begin + 25 * HOUR
    cut, _ = reader(aws, tmp_path / "cut", parts)
    with pytest.raises(KeyboardInterrupt):
        cut.read(probed(begin), Window(), moment, keep=True)
    again, asked = reader(aws, tmp_path / "cut")
    whole, all_asked = reader(aws, tmp_path / "whole")
    found, expected = (each.read(probed(begin), Window(), moment, keep=True) for each in (again, whole))
    assert found == expected
    assert (asked[0][0], asked[-1]) == (all_asked[parts - 1][1], all_asked[-1])


def test_what_is_complete_is_not_read_again(day, tmp_path):
    aws, begin = day
    first, _ = reader(aws, tmp_path)
    found = first.read(probed(begin), Window(), begin + 25 * HOUR, keep=True)
    again, asked = reader(aws, tmp_path)
    assert again.read(probed(begin), Window(), begin + 25 * HOUR, keep=True) == found
    assert asked == [(begin + 25 * HOUR - LATE_MS, begin + 25 * HOUR + CLOCK_MS)]


def test_the_parts_cover_the_time_without_gap_or_overlap(day, tmp_path):
    aws, begin = day
    each, asked = reader(aws, tmp_path)
    each.read(probed(begin), Window(), begin + 25 * HOUR, keep=True)
    assert asked[0][0] == begin
    assert asked[-1][1] == begin + 25 * HOUR + CLOCK_MS  # this machine's clock may be behind
    assert all(end == following for (_, end), (following, _) in pairwise(asked))


def test_a_status_keeps_nothing(day, tmp_path):
    aws, begin = day
    each, _ = reader(aws, tmp_path)
    each.read(probed(begin), Window(), begin + 25 * HOUR, keep=False)
    assert list(tmp_path.iterdir()) == []


def test_a_window_is_read_alone(day, tmp_path):
    aws, begin = day
    each, asked = reader(aws, tmp_path)
    found = each.read(probed(begin), Window(begin + HOUR, begin + 2 * HOUR), begin + 25 * HOUR, keep=True)
    assert (found.sandboxes, asked) == (1, [(begin + HOUR, begin + 2 * HOUR)])
