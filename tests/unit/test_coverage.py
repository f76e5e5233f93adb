import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deployer.evidence.coverage import estimate
from deployer.models.evidence import Evidence, PathEvidence, Phase, Touch

RUNS = 300


def evidence(sandboxes: list[frozenset[int]]) -> Evidence:
    """What the log tells of sandboxes that each touched these paths."""
    holders: dict[int, list[int]] = {}
    for number, paths in enumerate(sandboxes):
        for path in paths:
            holders.setdefault(path, []).append(number)
    seen = {
        f"{path}.py": PathEvidence(
            frozenset({Touch.OPENED}), len(held), f"2025-01-01T00:00:{held[0]:05}Z", Phase.START, None, f"{held[0]:016}"
        )
        for path, held in holders.items()
    }
    return Evidence("label", seen, len(sandboxes))


def uniform(kinds: int) -> list[float]:
    return [1 / kinds] * kinds


def zipf(kinds: int, exponent: float) -> list[float]:
    weights = [1 / rank**exponent for rank in range(1, kinds + 1)]
    return [weight / sum(weights) for weight in weights]


def simulated(shares: list[float], requests: int, sandboxes: int) -> Iterator[tuple[float, float]]:
    """Runs of sandboxes that each answer some requests: (the bound, the true unseen probability)."""
    chance = random.Random(f"{shares[:2]} {requests} {sandboxes}")
    kinds = range(len(shares))
    for _ in range(RUNS):
        drawn = [frozenset(chance.choices(kinds, shares, k=requests)) for _ in range(sandboxes)]
        unseen = 1 - sum(shares[kind] for kind in frozenset().union(*drawn))
        yield estimate(evidence(drawn)).upper_bound, 1 - (1 - unseen) ** requests


POPULATIONS = {
    "uniform 2": uniform(2),
    "uniform 10": uniform(10),
    "uniform 100": uniform(100),
    "zipf 10, 1": zipf(10, 1),
    "zipf 100, 0.7": zipf(100, 0.7),
    "zipf 100, 1": zipf(100, 1),
    "zipf 100, 1.5": zipf(100, 1.5),
    "zipf 100, 2": zipf(100, 2),
}


@pytest.mark.parametrize("sandboxes", [3, 5, 10, 30, 100])
@pytest.mark.parametrize("requests", [1, 4])
@pytest.mark.parametrize("shares", POPULATIONS.values(), ids=POPULATIONS)
def test_the_bound_holds_in_at_least_95_of_100_runs(shares: list[float], requests: int, sandboxes: int) -> None:
    held = sum(unseen <= bound + 1e-9 for bound, unseen in simulated(shares, requests, sandboxes))
    assert held >= 0.95 * RUNS


@pytest.mark.parametrize("shares", [uniform(10), zipf(100, 1), zipf(100, 1.5), zipf(100, 2)])
def test_the_bound_is_not_so_wide_as_to_say_nothing(shares: list[float]) -> None:
    runs = list(simulated(shares, 1, 200))
    mean_bound = sum(bound for bound, _ in runs) / RUNS
    mean_unseen = sum(unseen for _, unseen in runs) / RUNS
    assert mean_bound < 1.5 * mean_unseen + 0.05


@pytest.mark.parametrize("sandboxes", [30, 100])
def test_the_estimate_is_right_on_average(sandboxes: int) -> None:
    chance = random.Random(sandboxes)
    shares = zipf(100, 1)
    error = 0.0
    for _ in range(RUNS):
        drawn = [frozenset(chance.choices(range(100), shares)) for _ in range(sandboxes)]
        unseen = 1 - sum(shares[kind] for kind in frozenset().union(*drawn))
        error += (estimate(evidence(drawn)).unseen_probability - unseen) / RUNS
    assert 0 <= error + 0.01 < 0.03


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_random_sample_of_sandboxes_gives_the_same_estimate_and_bound(share: float) -> None:
    """400 sandboxes, of which a share reports: the next one is like them, and their number tells that of all."""
    chance = random.Random(share)
    shares = zipf(100, 1)
    held, error, counted = 0, 0.0, 0.0
    for _ in range(RUNS):
        drawn = [frozenset(chance.choices(range(100), shares)) for _ in range(400) if chance.random() < share]
        unseen = 1 - sum(shares[kind] for kind in frozenset().union(*drawn))
        known = estimate(replace(evidence(drawn), population=len(drawn) / share))
        held += unseen <= known.upper_bound
        error += (known.unseen_probability - unseen) / RUNS
        counted += known.population / RUNS
    assert held >= 0.95 * RUNS
    assert abs(error) < 0.02
    assert abs(counted - 400) < 12


def test_no_sandbox_tells_nothing() -> None:
    known = estimate(evidence([]))
    assert (known.sandboxes, known.unseen_probability, known.upper_bound, known.unseen_files) == (0, 1, 1, 0)


def test_one_sandbox_tells_next_to_nothing() -> None:
    known = estimate(evidence([frozenset({1, 2, 3})]))
    assert (known.unseen_probability, known.upper_bound) == (1, 1)


@pytest.mark.parametrize("sandboxes", [10, 59, 300])
def test_sandboxes_that_are_all_alike_give_the_rule_of_three(sandboxes: int) -> None:
    known = estimate(evidence([frozenset({1, 2})] * sandboxes))
    assert known.unseen_probability == 0
    assert known.upper_bound == pytest.approx(1 - 0.05 ** (1 / sandboxes))
    assert known.confidence == 0.95


def test_a_few_sandboxes_that_are_alike_do_not_give_the_rule_of_three() -> None:
    assert estimate(evidence([frozenset({1})] * 3)).upper_bound > 1 - 0.05 ** (1 / 3)


def test_sandboxes_are_counted_not_files() -> None:
    alike = [frozenset({0})] * 9
    one, many = (estimate(evidence([*alike, frozenset(range(files))])) for files in (2, 500))
    assert one.unseen_probability == many.unseen_probability == 0.1
    assert one.upper_bound == many.upper_bound


def test_more_sandboxes_of_the_same_kind_lower_the_bound() -> None:
    bounds = [estimate(evidence([frozenset({0}), frozenset({0, 1})] * half)).upper_bound for half in (2, 5, 20, 100)]
    assert bounds == sorted(bounds, reverse=True)


def test_unseen_files_are_chaos_lower_bound() -> None:
    held_by_two = [frozenset({0, 1, 2}), frozenset({0, 1, 2})]
    each_alone = [frozenset({0, 10 + number}) for number in range(8)]
    assert estimate(evidence([*held_by_two, *each_alone])).unseen_files == int(8**2 / 4 * 9 / 10)
    assert estimate(evidence(each_alone)).unseen_files == int(8 * 7 / 2 * 7 / 8)


def test_evidence_that_misses_sandboxes_first_lines_gives_no_share_above_one() -> None:
    known = estimate(Evidence("label", evidence([frozenset({n}) for n in range(5)]).paths, sandboxes=2))
    assert known.unseen_probability == known.upper_bound == 1
