"""A whitelist outlives its build: written, read again, and carried over to a fresh one."""

import pytest

from deployer.errors import WorkspaceError
from deployer.models.package import Entry, Examined, Kind, Package
from deployer.models.whitelist import Reason, Rules, Whitelist
from deployer.whitelist import carry_over, from_json, keep_all, keep_too, to_json, to_list
from tests.unit.whitelists import NO_RULES, chosen, distribution, evidence, examined, package

# -- a fresh build ---------------------------------------------------------------------------------------------


OLD = package(
    "app.py", "tests.py", "n/a.py", "n/b.py", "n-1.0.dist-info/RECORD", "o/a.py", "o/b.py", "o-1.0.dist-info/RECORD"
)


def old_whitelist(rules: Rules = NO_RULES) -> Whitelist:
    return chosen(OLD, evidence("app.py", "n/a.py", "o/a.py"), names=["n", "o"], rules=rules)


def test_the_same_build_again_is_slimmed_the_same_way() -> None:
    whitelist = old_whitelist(Rules(drop=("tests.py",)))
    again = carry_over(whitelist, examined(OLD, "n", "o"))
    assert (again.decisions, again.installed, again.warnings) == (whitelist.decisions, whitelist.installed, ())


def test_rules_for_layers_are_not_the_packages_own() -> None:
    rules = Rules(keep=("/opt/lib/**",), drop=("/opt/python/**",))
    assert chosen(OLD, evidence("app.py"), rules=rules).warnings == ()
    assert carry_over(old_whitelist(), examined(OLD, "n", "o"), rules).warnings == ()


def test_what_is_new_in_a_fresh_build_is_kept() -> None:
    fresh = package(*OLD.entries.keys() - {"n", "o", "n-1.0.dist-info", "o-1.0.dist-info"}, "new/x.py", "new/y.py")
    found = carry_over(old_whitelist(), examined(fresh, "n", "o"))
    assert found.decisions["new/y.py"].reason is Reason.NEW
    assert not found.decisions["n/b.py"].kept
    assert found.warnings == ("Kept because they are new since the function was probed: 2 paths (new/x.py, new/y.py).",)


def test_a_distribution_of_another_version_is_kept_whole() -> None:
    fresh = package(
        "app.py", "n/a.py", "n/b.py", "n-2.0.dist-info/RECORD", "o/a.py", "o/b.py", "o-1.0.dist-info/RECORD"
    )
    installed = distribution(fresh, "n", "2.0"), distribution(fresh, "o")
    found = carry_over(old_whitelist(), Examined(fresh, installed))
    assert (found.decisions["n/b.py"].kept, found.decisions["o/b.py"].kept) == (True, False)
    assert found.decisions["n/b.py"].reason is Reason.CHANGED
    assert any("n 1.0 → 2.0." in warning for warning in found.warnings)


def test_a_distribution_of_the_same_version_with_other_contents_is_kept_whole() -> None:
    fresh = package("n/a.py", "n/b.py", "n-1.0.dist-info/RECORD", crc32=2)
    found = carry_over(old_whitelist(), examined(fresh, "n"))
    assert found.decisions["n/b.py"].reason is Reason.CHANGED


def test_another_record_of_the_same_files_is_no_change() -> None:
    """Scripts hold the path of the interpreter, so RECORD differs from machine to machine."""
    entries = dict(OLD.entries)
    entries["n-1.0.dist-info/RECORD"] = Entry("n-1.0.dist-info/RECORD", Kind.FILE, 11, 5, 7, 0o644, 8, 0)
    fresh = Package(entries, 999, "c3d4" * 16)
    found = carry_over(old_whitelist(), examined(fresh, "n", "o"))
    assert not found.decisions["n/b.py"].kept


def test_what_a_rule_dropped_before_is_dropped_still() -> None:
    fresh = package("n/a.py", "n/b.py", "n-1.0.dist-info/RECORD", crc32=2)
    whitelist = old_whitelist(Rules(drop=("n/b.py",)))
    assert not carry_over(whitelist, examined(fresh, "n")).decisions["n/b.py"].kept
    again = carry_over(whitelist, examined(fresh, "n"), Rules(keep=("n/b.py",)))
    assert again.decisions["n/b.py"].reason is Reason.RULE_KEEP


def test_what_an_earlier_whitelist_keeps_stays_kept() -> None:
    whole = package("a", "b", "c", "d")
    earlier = chosen(whole, evidence("a", "b"))
    later = chosen(whole, evidence("c"), rules=Rules(drop=("b",)))
    both = keep_too(later, earlier)
    assert list(both.kept()) == ["a", "c"]
    assert both.decisions["a"].reason is Reason.OPENED


def test_functions_with_one_package_keep_what_any_of_them_needs() -> None:
    whole = package("a", "b", "c", "d")
    first = chosen(whole, evidence("a"), rules=Rules(drop=("b",)))
    others = [chosen(whole, evidence("b")), chosen(whole, evidence("c"))]
    assert list(keep_all(first, others).kept()) == ["a", "b", "c"]
    assert keep_all(first, []) == first


# -- the file --------------------------------------------------------------------------------------------------


def test_a_whitelist_is_read_back_as_it_was_written() -> None:
    whole = package("caf\udce9/ü.py", "n/a.py", "n-1.0.dist-info/RECORD")
    whitelist = chosen(whole, evidence("caf\udce9/ü.py"), names=["n"], rules=Rules(keep=("gone",)))
    text = to_json(whitelist)
    assert text.isascii()
    assert from_json(text) == whitelist


def test_the_plain_list_has_the_kept_paths() -> None:
    assert to_list(chosen(package("m/a.py", "b"), evidence("m/a.py"))) == "m\nm/a.py\n"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "package": "x", "decisions": 1}'])
def test_a_broken_whitelist_is_said_so(text: str) -> None:
    with pytest.raises(WorkspaceError, match="broken"):
        from_json(text)


def test_a_whitelist_of_a_later_version_is_not_guessed_at() -> None:
    with pytest.raises(WorkspaceError, match="version 2"):
        from_json('{"version": 2}')


def test_a_changed_file_of_the_function_s_own_is_kept_though_it_was_never_touched() -> None:
    before = chosen(package("app.py", "helper.py"), evidence("app.py"))
    assert not before.decisions["helper.py"].kept
    after = carry_over(before, examined(package("app.py", "helper.py", crc32=2)))
    assert after.decisions["helper.py"].reason is Reason.CHANGED
    assert any("2 paths (app.py, helper.py)" in warning for warning in after.warnings)
