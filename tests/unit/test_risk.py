"""The risk in words that people use."""

import pytest

from deployer.evidence.coverage import Coverage, estimate
from deployer.evidence.discovery import discovery
from deployer.models.evidence import Evidence, PathEvidence, Phase, Touch
from deployer.report.risk import rate, risk


def known(sandboxes, unseen, bound):
    return Coverage(sandboxes, unseen, bound, 0.95, 0, sandboxes)


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (known(1, 1.0, 1.0), "unknown. 1 cold start seen; about 20 give a useful estimate"),
        (known(4, 0.5, 1.0), "unknown. 4 cold starts seen; about 20 give a useful estimate"),
        (known(40, 0.025, 0.08), "about 1 new file in every 40 cold starts; at most 1 in 12 (95 % sure)"),
        (known(30, 0.0, 0.095), "no new file expected after 30 cold starts; at most 1 in 10 (95 % sure)"),
        (known(8, 0.9, 0.97), "about 1 new file in every cold start; at most every one (95 % sure)"),
    ],
)
def test_the_risk_is_a_rate_that_people_know(coverage, words):
    assert risk(coverage) == words


def test_the_guard_is_told_where_there_is_one_and_an_estimate():
    assert risk(known(40, 0.025, 0.08), guarded=True).endswith("(95 % sure); the guard brings it back")
    assert "guard" not in risk(known(1, 1.0, 1.0), guarded=True)


def test_a_bound_is_never_rounded_to_the_better_side():
    for share in (0.011, 0.08, 0.34, 0.49, 0.51, 0.77, 0.93):
        of, _, out_of = rate(share, at_most=True).replace("every one", "1 in 1").partition(" in ")
        assert int(of) / int(out_of) >= share


def evidence(holders, sandboxes):
    """Paths that so many of the sandboxes touched."""
    paths = {
        f"f{number}": PathEvidence(frozenset({Touch.OPENED}), count, "", Phase.START, None, f"s{number}")
        for number, count in enumerate(holders)
    }
    return Evidence("p", paths, sandboxes, sandboxes, population=sandboxes)


def test_the_discovery_curve_ends_at_what_was_seen_and_goes_on_to_what_is_estimated():
    known_files = evidence([10] * 50 + [5] * 6 + [1] * 4 + [2] * 2, 10)
    found = discovery(known_files)
    assert found is not None
    assert dict(found.seen)[10] == 62
    assert dict(found.seen)[1] == pytest.approx(50 + 3 + 0.4 + 0.4)  # each path by the share of sandboxes that hold it
    assert [files for _, files in found.seen] == sorted(files for _, files in found.seen)
    assert dict(found.expected)[10] == 62
    assert found.expected[-1][0] == 20
    assert 62 < found.expected[-1][1] < found.total == 62 + estimate(known_files).unseen_files


def test_there_is_no_curve_of_one_sandbox():
    assert discovery(evidence([1], 1)) is None


def test_a_curve_of_many_sandboxes_has_few_points():
    found = discovery(evidence([30_000, 1, 2], 30_000))
    assert found is not None
    assert len(found.seen) <= 200
    assert dict(found.seen)[30_000] == 3
