"""The statistics of a shift: two shares compared, and what a log tells of two versions."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.evidence.proportions import Share, chance_of, upper_bound
from deployer.evidence.verdict import ALPHA, ENOUGH, Verdict, judge, threshold
from deployer.evidence.versions import VersionFigures, VersionLog
from deployer.models.evidence import LogEvent
from probe_layer.guard.line import HEAD

shares = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: Share(min(pair), max(pair)))


def exact(one, other):
    """The same by counting all ways, in fractions."""
    pool, whole = one.part + other.part, one.whole + other.whole
    ways = sum(
        math.comb(one.whole, part) * math.comb(other.whole, pool - part)
        for part in range(one.part, min(one.whole, pool) + 1)
        if 0 <= pool - part <= other.whole
    )
    return float(Fraction(ways, math.comb(whole, pool)))


@given(shares, shares)
def test_the_chance_is_that_of_counting_all_ways(one, other):
    assert chance_of(one, other) == pytest.approx(exact(one, other), rel=1e-9, abs=1e-12)


def test_the_tea_taster():
    """Fisher's own example: three of four cups right, one-sided 17/70."""
    assert chance_of(Share(3, 4), Share(1, 4)) == pytest.approx(17 / 70)


def test_great_counts_neither_overflow_nor_vanish():
    assert 0 < chance_of(Share(1200, 100_000), Share(9000, 900_000)) < 1e-8
    assert chance_of(Share(100_000, 100_000), Share(0, 900_000)) < 1e-100
    assert chance_of(Share(0, 100_000), Share(90_000, 900_000)) == pytest.approx(1)


def test_of_nothing_seen_the_rule_of_three():
    assert upper_bound(Share(0, 300)) == pytest.approx(0.01, rel=0.01)
    assert (upper_bound(Share(0, 0)), upper_bound(Share(1, 300))) == (1, 1)


# -- the verdict -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "old", "verdict"),
    [
        (VersionFigures(100), VersionFigures(900), Verdict.FINISH),
        (VersionFigures(100, errors=5), VersionFigures(900, errors=45), Verdict.FINISH),
        (VersionFigures(100, errors=10), VersionFigures(900), Verdict.BACK),
        (VersionFigures(100, timeouts=10), VersionFigures(900), Verdict.BACK),
        (VersionFigures(100, misses=10), VersionFigures(900), Verdict.BACK),
        (VersionFigures(100, throttles=20), VersionFigures(900), Verdict.BACK),
        (VersionFigures(3), VersionFigures(900), Verdict.TOO_FEW),
        (VersionFigures(100), VersionFigures(3), Verdict.TOO_FEW),
        (VersionFigures(), VersionFigures(), Verdict.TOO_FEW),
        (VersionFigures(4, errors=4), VersionFigures(36), Verdict.BACK),
    ],
)
def test_the_new_version_is_measured_by_the_old_one(new, old, verdict):
    assert judge(new, old, 20, last=True).verdict is verdict


def test_a_bad_version_is_taken_back_before_the_time_is_over():
    assert judge(VersionFigures(30, errors=30), VersionFigures(270), 30, last=False).verdict is Verdict.BACK
    assert judge(VersionFigures(30), VersionFigures(270), 30, last=False).verdict is Verdict.WAIT


def test_looking_often_takes_back_no_more_good_versions():
    signs = 4
    for looks in (1, 20, 2880):
        spent = signs * (looks * threshold(looks, last=False) + threshold(looks, last=True))
        assert spent == pytest.approx(ALPHA)


def test_what_is_said_has_the_figures():
    why = judge(VersionFigures(100, errors=10), VersionFigures(900, errors=9), 20, last=True).why
    assert "100 invocations 10 failed (10.0 %)" in why
    assert "900 at the same time 9 (1.0 %)" in why
    few = judge(VersionFigures(ENOUGH - 1), VersionFigures(100), 20, last=True).why
    assert "19 invocations of the new version" in few


# -- the log -----------------------------------------------------------------------------------------------------


def event(number, message, stream):
    return LogEvent(f"e{number}", number, message, stream)


def report(request, status=""):
    return f"REPORT RequestId: {request}\tDuration: 1.00 ms\tBilled Duration: 1 ms{status}"


NEW, OLD = "2026/11/30/[7]aa", "2026/11/30/[3]bb"


def read(*lines, function="f"):
    log = VersionLog(function)
    log.add(event(number, message, stream) for number, (message, stream) in enumerate(lines))
    return log


def test_each_line_counts_for_the_version_of_its_stream():
    log = read(
        (report("1"), NEW),
        (report("2", "\tStatus: timeout"), NEW),
        ("2026-11-30T12:00:00Z 2 Task timed out after 3.00 seconds", NEW),
        (report("3"), OLD),
        ("[ERROR] ValueError: as asked\nTraceback (most recent call last):", OLD),
        (report("4"), "2026/11/30/[$LATEST]cc"),
    )
    assert log.figures("7") == VersionFigures(2, timeouts=1)
    assert log.figures("3") == VersionFigures(1, errors=1)
    assert log.figures("9") == VersionFigures()


def test_a_line_that_is_read_twice_counts_once():
    log = read((report("1"), NEW))
    log.add([event(0, report("1"), NEW)])
    log.forget(before=1)
    assert log.figures("7").invocations == 1


def test_in_a_group_that_functions_share_the_others_do_not_count():
    log = read((report("1"), "2026/11/30/f[7]aa"), (report("2"), "2026/11/30/g[7]aa"))
    assert log.figures("7").invocations == 1


def test_a_sandbox_that_misses_many_files_counts_once():
    def miss(path):
        return HEAD + f',"timestamp":"t","package":"p","sandbox":"s1","miss":"{path}","ask":"open","how":"fetched"}}'

    log = read((report("1"), NEW), (report("2"), NEW), (miss("a"), NEW), (miss("b"), NEW))
    assert log.figures("7").misses == 1


def test_no_share_is_greater_than_one():
    log = read((report("1"), NEW), *[("[ERROR] ValueError: logged", NEW)] * 5)
    assert log.figures("7") == VersionFigures(1, errors=1)
