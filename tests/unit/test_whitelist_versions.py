"""Evidence of an earlier package: what it still says of a later one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deployer.models.evidence import Evidence
from deployer.models.package import Kind, Package
from deployer.models.whitelist import Installed, Reason, Whitelist
from deployer.whitelist import Earlier, Inventory, choose, inventory_from_json, inventory_to_json, take_inventory
from tests.unit.whitelists import AROUND, NO_RULES, distribution, evidence, examined, package

PATHS = ("app.py", "n/__init__.py", "n/a.py", "n/b.py", "n-1.0.dist-info/RECORD", "n-1.0.dist-info/entry_points.txt")
OLD = package(*PATHS)


def edited(whole: Package, *paths: str) -> Package:
    """The same package with other contents in some files."""
    entries = {path: replace(one, crc32=9) if path in paths else one for path, one in whole.entries.items()}
    return replace(whole, entries=entries)


def again(fresh: Package, before: Evidence, now: Evidence) -> Whitelist:
    """What is kept of a package after another was probed."""
    earlier = Earlier(take_inventory(OLD, [distribution(OLD, "n")]), before)
    return choose(examined(fresh, "n"), now, NO_RULES, AROUND, [earlier])


def test_evidence_of_an_unchanged_distribution_carries_over() -> None:
    found = again(OLD, evidence("n/a.py"), evidence("app.py"))
    assert found.decisions["n/a.py"].reason is Reason.OPENED
    assert not found.decisions["n/b.py"].kept
    assert found.warnings == ()


def test_a_changed_distribution_that_was_not_seen_again_is_kept_whole_and_named() -> None:
    found = again(edited(OLD, "n/b.py"), evidence("n/a.py"), evidence("app.py"))
    assert all(found.decisions[path].kept for path in PATHS)
    assert found.decisions["n/b.py"].reason is Reason.CHANGED
    assert [warning for warning in found.warnings if "n 1.0" in warning]


def test_reading_its_metadata_is_not_seeing_it() -> None:
    found = again(edited(OLD, "n/b.py"), evidence(), evidence("n-1.0.dist-info/entry_points.txt"))
    assert found.decisions["n/b.py"].reason is Reason.CHANGED


def test_looking_at_it_is_not_seeing_it() -> None:
    found = again(edited(OLD, "n/b.py"), evidence(), evidence(looked=["n/__init__.py"]))
    assert found.decisions["n/b.py"].reason is Reason.CHANGED


def test_a_distribution_is_known_by_any_spelling_of_its_name() -> None:
    fresh = edited(OLD, "n/b.py")
    earlier = Earlier(
        replace(take_inventory(OLD, [distribution(OLD, "n")]), installed=(Installed("N", "0.9", "other"),)), evidence()
    )
    found = choose(examined(fresh, "n"), evidence("app.py"), NO_RULES, AROUND, [earlier])
    assert found.decisions["n/b.py"].reason is Reason.CHANGED


def test_once_it_was_seen_again_the_new_evidence_alone_counts() -> None:
    found = again(edited(OLD, "n/b.py"), evidence("n/a.py", "n/b.py"), evidence("n/__init__.py"))
    assert not found.decisions["n/a.py"].kept
    assert not found.decisions["n/b.py"].kept


def test_a_distribution_that_is_new_goes_by_the_new_evidence() -> None:
    earlier = Earlier(take_inventory(package("app.py"), []), evidence("app.py"))
    found = choose(examined(OLD, "n"), evidence("app.py"), NO_RULES, AROUND, [earlier])
    assert not found.decisions["n/b.py"].kept


def test_a_changed_file_of_the_function_s_own_is_not_kept_for_what_it_was() -> None:
    old = package("app.py", "own.py", "other.py")
    earlier = Earlier(take_inventory(old, []), evidence("own.py", "other.py"))
    found = choose(examined(edited(old, "own.py")), evidence("app.py"), NO_RULES, AROUND, [earlier])
    assert (found.decisions["own.py"].kept, found.decisions["other.py"].kept) == (False, True)


def test_what_lies_behind_a_symlink_is_kept_if_neither_changed() -> None:
    whole = package("real/x.py", "app.py", links={"link": "real"})
    earlier = Earlier(take_inventory(whole, []), evidence("link/x.py"))
    same = choose(examined(whole), evidence("app.py"), NO_RULES, AROUND, [earlier])
    other = choose(examined(edited(whole, "link")), evidence("app.py"), NO_RULES, AROUND, [earlier])
    assert (same.decisions["real/x.py"].kept, other.decisions["real/x.py"].kept) == (True, False)


@given(st.sets(st.sampled_from(PATHS)), st.sets(st.sampled_from(PATHS)), st.sets(st.sampled_from(PATHS)))
def test_earlier_evidence_never_drops_what_would_be_kept_without_it(
    changed: set[str], before: set[str], now: set[str]
) -> None:
    fresh = edited(OLD, *changed)
    with_it = again(fresh, evidence(*before), evidence(*now))
    alone = choose(examined(fresh, "n"), evidence(*now), NO_RULES, AROUND)
    assert set(alone.kept()) <= set(with_it.kept())


@given(st.sets(st.sampled_from(PATHS)))
def test_evidence_of_the_very_same_files_is_as_good_as_new(before: set[str]) -> None:
    with_it = again(OLD, evidence(*before), evidence())
    alone = choose(examined(OLD, "n"), evidence(*before), NO_RULES, AROUND)
    assert set(with_it.kept()) == set(alone.kept())


@given(st.text("/\udce9aé", min_size=1), st.integers(0, 2**32 - 1))
def test_contents_are_read_back_as_they_were_written(path: str, crc32: int) -> None:
    held = Inventory("a1b2", take_inventory(OLD, [distribution(OLD, "n")]).installed, {path: crc32})
    assert inventory_from_json(inventory_to_json(held)) == held


def test_contents_hold_the_files_of_no_distribution() -> None:
    held = take_inventory(OLD, [distribution(OLD, "n")])
    assert set(held.own) == {"app.py"}
    assert all(entry.kind is not Kind.DIRECTORY for path, entry in OLD.entries.items() if path in held.own)
