"""What hardly any sandbox touched: set aside where the guard can bring it back, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from deployer.models.evidence import Evidence, PathEvidence, Phase, Touch
from deployer.models.whitelist import Reason, Rules, Whitelist
from tests.unit.whitelists import chosen, package

BOTH = frozenset({"inotify", "shim"})
WHOLE = package("m/a.py", "m/rare.py", "m/other.py", "lib.a", "data/x")


def touched(
    count: int, *, sandbox: str = "5a", seen_by: frozenset[str] = BOTH, touch: Touch = Touch.OPENED
) -> PathEvidence:
    return PathEvidence(
        frozenset({touch}), count, "2026-01-01T00:00:00Z", Phase.INVOKE, "r-1", sandbox, witnesses=seen_by
    )


def shrunk(share: float, paths: Mapping[str, PathEvidence], faults: Mapping[str, int] | None = None) -> Whitelist:
    seen = Evidence("a1b2a1b2a1b2a1b2", {"m/a.py": touched(400), **paths}, 400, 4000, faults=faults or {})
    return chosen(WHOLE, seen, rules=Rules(rare=share))


def rare(found: Whitelist) -> set[str]:
    return {path for path, one in found.decisions.items() if one.reason is Reason.RARE}


def test_what_fewer_sandboxes_touched_is_dropped_and_the_price_is_said() -> None:
    paths = {"m/rare.py": touched(3), "m/other.py": touched(2, sandbox="6b"), "data/x": touched(4)}
    found = shrunk(0.01, paths)
    assert rare(found) == {"m/rare.py", "m/other.py"}
    assert found.decisions["m/rare.py"].because == "3 of 400 sandboxes touched it; the guard brings it"
    assert {"m/a.py", "data/x"} <= set(found.kept())
    (said,) = found.warnings
    assert "2 files" in said
    assert "5 of 400 sandboxes would have asked the guard, in 0.12% of the invocations" in said


def test_what_is_asked_for_together_is_one_miss() -> None:
    found = shrunk(0.01, {"m/rare.py": touched(3), "m/other.py": touched(2)})
    assert "About 3 of 400 sandboxes" in found.warnings[0]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("m/rare.py", touched(1, seen_by=frozenset({"inotify"}))),
        ("m/rare.py", touched(1, seen_by=frozenset({"audit"}))),
        ("lib.a", touched(1)),
        ("m", touched(1, touch=Touch.LISTED)),
    ],
)
def test_what_the_guard_could_not_bring_is_kept(path: str, seen: PathEvidence) -> None:
    found = shrunk(0.01, {path: seen})
    assert not rare(found)
    assert path in found.kept()


def test_nothing_is_rare_where_programs_ran_that_the_guard_does_not_see() -> None:
    found = shrunk(0.01, {"m/rare.py": touched(1)}, faults={"shim-static": 1})
    assert not rare(found)
    assert "shim-static" in found.warnings[0]


def test_too_few_sandboxes_are_said() -> None:
    found = shrunk(0.001, {"m/rare.py": touched(1)})
    assert not rare(found)
    assert "that takes at least 1,001 sandboxes" in found.warnings[0]


def test_what_a_rule_keeps_or_drops_is_not_rare() -> None:
    seen = Evidence("a1b2a1b2a1b2a1b2", {"m/rare.py": touched(1), "m/other.py": touched(1)}, 400, 4000)
    found = chosen(WHOLE, seen, rules=Rules(keep=("m/rare.py",), drop=("m/other.py",), rare=0.01))
    reasons = {path: one.reason for path, one in found.decisions.items()}
    assert reasons["m/rare.py"] is Reason.RULE_KEEP
    assert reasons["m/other.py"] is Reason.RULE_DROP
    assert replace(found, decisions={}).warnings == found.warnings == ()
