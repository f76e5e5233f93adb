"""What a trial tells: both packages beside each other, and what the guard brought."""

import json
from dataclasses import replace

from deployer.report.trial_report import TrialReport, compared, fastest, trial_lines
from deployer.state.state import Answer
from probe_layer.guard.line import MARK

FULL = [Answer("0", False, init_ms=900.0, duration_ms=20.0, memory_mb=90.0), Answer("1", False, duration_ms=10.0)]
SLIM = [Answer("0", False, init_ms=300.0, duration_ms=15.0, memory_mb=60.0), Answer("1", False, duration_ms=9.0)]
FIELDS = {"record": MARK, "timestamp": "", "package": "p", "sandbox": "s", "miss": "lazy.py", "how": "fetched"}
MISS = json.dumps(FIELDS, separators=(",", ":"))


def report(log=()):
    return compared(list(zip(FULL, SLIM, strict=True)), log)


def test_start_time_and_memory_of_both_are_shown():
    found = report()
    assert (found.before.total_ms, found.after.total_ms, found.events) == (930.0, 324.0, 2)
    assert found.slower == 324 / 930
    [line] = trial_lines(found)
    assert "start 900 ms -> 300 ms" in line
    assert "memory 90 MB -> 60 MB" in line


def test_what_the_guard_brought_is_named():
    found = report([MISS, "another line"])
    assert found.misses == ("lazy.py",)
    assert "the guard brought back 1 file: lazy.py; see --keep" in trial_lines(found)[1]


def test_of_two_rounds_the_shorter_counts():
    slow = replace(report(), after=replace(report().after, duration_ms=500.0))
    assert fastest(slow, report()).after.duration_ms == 24.0
    assert fastest(report(), slow).after.duration_ms == 24.0


def test_what_is_not_known_is_not_compared():
    unknown = compared([(FULL[0], replace(SLIM[0], duration_ms=None))], ())
    assert (unknown.slower, trial_lines(None), trial_lines(TrialReport(0, unknown.before, unknown.after))) == (
        None,
        [],
        [],
    )
