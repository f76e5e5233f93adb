"""Each path of a package is kept or dropped, for the strongest reason, and nothing needed with it is forgotten."""

import posixpath
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import UsageError, WorkspaceError
from deployer.models import (
    Distribution,
    Entry,
    Evidence,
    Kind,
    Package,
    PathEvidence,
    Phase,
    Reason,
    Rules,
    Touch,
    Whitelist,
)
from deployer.whitelist import carry_over, choose, from_json, keep_too, to_json, to_list


NO_RULES = Rules()


def package(*paths: str, links: Mapping[str, str] | None = None, crc32: int = 1) -> Package:
    """A package of files of ten bytes each; a path that ends in a slash is an empty directory."""
    entries = {path: Entry(path, Kind.FILE, 10, 5, crc32, 0o644, 8, 0) for path in paths if not path.endswith("/")}
    for path, target in (links or {}).items():
        entries[path] = Entry(path, Kind.SYMLINK, len(target), len(target), 1, 0o755, 0, 0, target)
    folders = {path.rstrip("/") for path in paths if path.endswith("/")}
    for path in [*entries, *folders]:
        while path := posixpath.dirname(path):
            folders.add(path)
    for path in folders:
        entries[path] = Entry(path, Kind.DIRECTORY, 0, 0, 0, 0o755, 0, 0)
    ordered = {path: entries[path] for path in sorted(entries)}
    return Package(ordered, 999, "a1b2" * 16)


def distribution(whole: Package, name: str, version: str = "1.0") -> Distribution:
    """Owns the folder of its name and its dist-info."""
    folder = f"{name}-{version}.dist-info"
    files = (path for path, entry in whole.entries.items() if entry.kind is Kind.FILE)
    return Distribution(
        name, version, folder, frozenset(path for path in files if path.startswith((f"{name}/", f"{folder}/")))
    )


def evidence(*opened: str, looked: Iterable[str] = (), listed: Iterable[str] = (), ran: Iterable[str] = ()) -> Evidence:
    touches: dict[str, set[Touch]] = {}
    pairs = ((Touch.OPENED, opened), (Touch.LOOKED, looked), (Touch.LISTED, listed), (Touch.EXECUTED, ran))
    for touch, paths in pairs:
        for path in paths:
            touches.setdefault(path, set()).add(touch)
    paths = {
        path: PathEvidence(frozenset(kinds), 2, "2026-01-01T00:00:00Z", Phase.INVOKE, "r-1", "5a")
        for path, kinds in touches.items()
    }
    return Evidence("a1b2a1b2a1b2a1b2", paths, sandboxes=3, invocations=9)


def chosen(
    whole: Package, seen: Evidence, *, rules: Rules = NO_RULES, names: Iterable[str] = (), handler: str = "gone.handler"
) -> Whitelist:
    return choose(whole, [distribution(whole, name) for name in names], seen, rules, handler)


def reasons(whitelist: Whitelist) -> dict[str, Reason]:
    """What is kept, without the directories on the way."""
    return {
        path: whitelist.decisions[path].reason
        for path in whitelist.kept()
        if whitelist.decisions[path].reason is not Reason.PARENT
    }


# -- what was touched ------------------------------------------------------------------------------------------


def test_what_was_touched_is_kept_for_the_strongest_reason() -> None:
    whole = package("a", "b", "c", "d/", "e")
    seen = evidence("a", looked=["a", "b", "c"], ran=["b"], listed=["d"])
    assert reasons(chosen(whole, seen)) == {
        "a": Reason.OPENED,
        "b": Reason.EXECUTED,
        "c": Reason.LOOKED,
        "d": Reason.LISTED,
    }


def test_every_path_is_decided_on_and_says_why() -> None:
    whole = package("pkg/a.py", "pkg/b.py")
    decisions = chosen(whole, evidence("pkg/a.py")).decisions
    assert list(decisions) == ["pkg", "pkg/a.py", "pkg/b.py"]
    assert decisions["pkg/a.py"].because == "request r-1 while answering, 2 of 3 sandboxes"
    assert (decisions["pkg/b.py"].reason, decisions["pkg/b.py"].size) == (Reason.UNTOUCHED, 10)
    assert decisions["pkg/b.py"].because == "no invocation in 3 sandboxes touched it"


def test_a_listed_directory_is_kept_without_its_files() -> None:
    assert list(chosen(package("data/a", "data/b"), evidence(listed=["data"])).kept()) == ["data"]


def test_the_handler_is_kept_though_nothing_was_seen() -> None:
    whole = package("pkg/__init__.py", "pkg/app.py")
    assert reasons(chosen(whole, evidence(), handler="pkg.app.run")) == {
        "pkg/app.py": Reason.HANDLER,
        "pkg/__init__.py": Reason.PACKAGE_INIT,
    }


# -- what follows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "compiled", ["m/__pycache__/x.cpython-311.pyc", "m/__pycache__/x.cpython-311.opt-1.pyc", "m/x.pyc"]
)
def test_bytecode_and_source_are_kept_together(compiled: str) -> None:
    whole = package("m/x.py", compiled)
    assert reasons(chosen(whole, evidence(compiled)))["m/x.py"] is Reason.SOURCE
    assert reasons(chosen(whole, evidence("m/x.py")))[compiled] is Reason.BYTECODE


def test_each_package_on_the_way_keeps_its_init() -> None:
    whole = package(
        "a/__init__.py", "a/b/__init__.cpython-311-x86_64-linux-gnu.so", "a/b/c.so", "a/b/__init__.pyi", "z/__init__.py"
    )
    kept = reasons(chosen(whole, evidence("a/b/c.so")))
    assert kept == {
        "a/b/c.so": Reason.OPENED,
        "a/b/__init__.cpython-311-x86_64-linux-gnu.so": Reason.PACKAGE_INIT,
        "a/__init__.py": Reason.PACKAGE_INIT,
    }


def test_metadata_and_licences_of_a_kept_distribution_are_kept_whole() -> None:
    whole = package(
        "n/a.py", "n/vendored/LICENSE.md", "n/licenses.py", "n-1.0.dist-info/METADATA",
        "n-1.0.dist-info/licenses/COPYING", "o/a.py", "o-1.0.dist-info/METADATA",
    )  # fmt: skip
    assert reasons(chosen(whole, evidence("n/a.py"), names=["n", "o"])) == {
        "n/a.py": Reason.OPENED,
        "n-1.0.dist-info": Reason.METADATA,
        "n-1.0.dist-info/METADATA": Reason.METADATA,
        "n-1.0.dist-info/licenses/COPYING": Reason.METADATA,
        "n/vendored/LICENSE.md": Reason.LICENCE,
    }


def test_metadata_of_a_distribution_without_known_files_is_kept() -> None:
    whole = package("a.py", "n.dist-info/METADATA")
    found = choose(whole, [Distribution("n", "", "n.dist-info", frozenset())], evidence("a.py"), Rules(), "a.run")
    assert reasons(found)["n.dist-info/METADATA"] is Reason.METADATA


@pytest.mark.parametrize("bundle", ["certifi/cacert.pem", "certifi/sub/ca-bundle.crt"])
def test_ca_bundles_of_what_is_kept_are_kept(bundle: str) -> None:
    whole = package("certifi/__init__.py", bundle, "other/cacert.pem")
    assert reasons(chosen(whole, evidence("certifi/__init__.py"))) == {
        "certifi/__init__.py": Reason.OPENED,
        bundle: Reason.CERTIFICATES,
    }


def test_licences_are_looked_for_below_the_place_of_installation() -> None:
    site = "python/lib/python3.11/site-packages"
    whole = package(f"{site}/n/a.py", f"{site}/n/LICENSE", f"{site}/o/LICENSE", f"{site}/n-1.dist-info/RECORD")
    one = Distribution("n", "1", f"{site}/n-1.dist-info", frozenset({f"{site}/n/a.py"}))
    kept = reasons(choose(whole, [one], evidence(f"{site}/n/a.py"), Rules(), "a.run"))
    assert f"{site}/n/LICENSE" in kept
    assert f"{site}/o/LICENSE" not in kept


def test_stubs_are_kept_only_where_lazy_loader_may_read_them() -> None:
    paths = ["m/a.py", "m/a.pyi"]
    assert "m/a.pyi" not in reasons(chosen(package(*paths), evidence("m/a.py")))
    whole = package(*paths, "lazy_loader/__init__.py")
    assert reasons(chosen(whole, evidence("m/a.py")))["m/a.pyi"] is Reason.STUB


# -- symlinks --------------------------------------------------------------------------------------------------


def test_a_path_through_a_symlinked_folder_keeps_the_link_and_the_file() -> None:
    whole = package("real/a", "real/b", links={"link": "real"})
    assert reasons(chosen(whole, evidence("link/a"))) == {"real/a": Reason.OPENED, "link": Reason.SYMLINK}


def test_a_kept_symlink_keeps_the_whole_chain() -> None:
    whole = package("lib/x.so.1.2", links={"lib/x.so": "x.so.1", "lib/x.so.1": "x.so.1.2"})
    assert reasons(chosen(whole, evidence("lib/x.so"))) == {
        "lib/x.so": Reason.OPENED,
        "lib/x.so.1": Reason.SYMLINK,
        "lib/x.so.1.2": Reason.TARGET,
    }


def test_the_names_that_a_kept_file_may_have_been_opened_by_are_kept() -> None:
    whole = package("lib/x.so.1", "lib/y.so", links={"lib/x.so": "x.so.1", "lib64": "lib", "other": "lib/y.so"})
    assert reasons(chosen(whole, evidence("lib/x.so.1"))) == {
        "lib/x.so.1": Reason.OPENED,
        "lib/x.so": Reason.SYMLINK,
        "lib64": Reason.SYMLINK,
    }


@pytest.mark.parametrize("target", ["round", "/opt/x", "/tmp/x", "gone"])
def test_a_symlink_that_leads_nowhere_in_the_package_is_kept_alone(target: str) -> None:
    whole = package("a", links={"link": target, "round": "link"})
    assert "a" not in reasons(chosen(whole, evidence("link")))
    assert reasons(chosen(whole, evidence("link")))["link"] is Reason.OPENED


# -- rules -----------------------------------------------------------------------------------------------------


def test_a_keep_rule_keeps_what_nobody_touched() -> None:
    found = chosen(package("data/a", "data/b", "x"), evidence(), rules=Rules(keep=("data/",)))
    assert list(found.kept()) == ["data", "data/a", "data/b"]
    assert found.decisions["data/a"].because == "keep rule 'data/'"


def test_a_drop_rule_wins_over_what_follows_but_not_over_a_keep_rule() -> None:
    whole = package("m/a.py", "m/__init__.py", "m/LICENSE")
    rules = Rules(keep=("m/__init__.py",), drop=("__init__.py", "LICENSE"))
    found = chosen(whole, evidence("m/a.py"), rules=rules)
    assert list(found.kept()) == ["m", "m/__init__.py", "m/a.py"]
    assert found.decisions["m/LICENSE"].reason is Reason.RULE_DROP
    assert found.warnings == ()


def test_dropping_what_the_function_used_is_warned_of() -> None:
    found = chosen(package("m/a.py", "m/b.py"), evidence("m/a.py"), rules=Rules(drop=("m/",)))
    assert not list(found.kept())
    (warning,) = found.warnings
    assert "'m/'" in warning
    assert "1 path (m/a.py)" in warning


def test_a_folder_on_the_way_is_kept_though_a_rule_drops_it() -> None:
    found = chosen(package("m/a.py", "m/b.py"), evidence(), rules=Rules(keep=("m/a.py",), drop=("m/",)))
    assert list(found.kept()) == ["m", "m/a.py"]


def test_a_rule_can_take_back_an_earlier_one() -> None:
    found = chosen(package("a.md", "b.md"), evidence(), rules=Rules(keep=("*.md", "!b.md")))
    assert list(found.kept()) == ["a.md"]
    assert found.warnings == ()


def test_a_rule_that_matches_nothing_is_named() -> None:
    found = chosen(package("a"), evidence("a"), rules=Rules(keep=("dta/",), drop=("*.tx",)))
    assert found.warnings == (
        "The keep rule 'dta/' matches nothing in the package.",
        "The drop rule '*.tx' matches nothing in the package.",
    )


def test_what_is_no_pattern_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no pattern"):
        chosen(package("a"), evidence("a"), rules=Rules(keep=("!",)))


# -- evidence of something else --------------------------------------------------------------------------------


def test_paths_that_the_package_does_not_hold_are_counted_but_not_those_of_layers() -> None:
    seen = evidence("a", "gone", "m/gone", "/opt/python/x.py", "link/x")
    (warning,) = chosen(package("a", links={"link": "/tmp/x"}), seen).warnings
    assert "2 paths (gone, m/gone)" in warning


# -- a fresh build ---------------------------------------------------------------------------------------------


OLD = package(
    "app.py", "tests.py", "n/a.py", "n/b.py", "n-1.0.dist-info/RECORD", "o/a.py", "o/b.py", "o-1.0.dist-info/RECORD"
)


def old_whitelist(rules: Rules = NO_RULES) -> Whitelist:
    return chosen(OLD, evidence("app.py", "n/a.py", "o/a.py"), names=["n", "o"], rules=rules)


def test_the_same_build_again_is_slimmed_the_same_way() -> None:
    whitelist = old_whitelist(Rules(drop=("tests.py",)))
    again = carry_over(whitelist, OLD, [distribution(OLD, "n"), distribution(OLD, "o")])
    assert (again.decisions, again.installed, again.warnings) == (whitelist.decisions, whitelist.installed, ())


def test_what_is_new_in_a_fresh_build_is_kept() -> None:
    fresh = package(*OLD.entries.keys() - {"n", "o", "n-1.0.dist-info", "o-1.0.dist-info"}, "new/x.py", "new/y.py")
    found = carry_over(old_whitelist(), fresh, [distribution(fresh, "n"), distribution(fresh, "o")])
    assert found.decisions["new/y.py"].reason is Reason.NEW
    assert not found.decisions["n/b.py"].kept
    assert found.warnings == (
        "Kept, as they are new since the function was probed: 3 paths (new, new/x.py, new/y.py).",
    )


def test_a_distribution_of_another_version_is_kept_whole() -> None:
    fresh = package(
        "app.py", "n/a.py", "n/b.py", "n-2.0.dist-info/RECORD", "o/a.py", "o/b.py", "o-1.0.dist-info/RECORD"
    )
    found = carry_over(old_whitelist(), fresh, [distribution(fresh, "n", "2.0"), distribution(fresh, "o")])
    assert (found.decisions["n/b.py"].kept, found.decisions["o/b.py"].kept) == (True, False)
    assert found.decisions["n/b.py"].reason is Reason.CHANGED
    assert any("n 1.0 → 2.0." in warning for warning in found.warnings)


def test_a_distribution_of_the_same_version_with_other_contents_is_kept_whole() -> None:
    fresh = package("n/a.py", "n/b.py", "n-1.0.dist-info/RECORD", crc32=2)
    found = carry_over(old_whitelist(), fresh, [distribution(fresh, "n")])
    assert found.decisions["n/b.py"].reason is Reason.CHANGED


def test_another_record_of_the_same_files_is_no_change() -> None:
    """Scripts hold the path of the interpreter, so RECORD differs from machine to machine."""
    entries = dict(OLD.entries)
    entries["n-1.0.dist-info/RECORD"] = Entry("n-1.0.dist-info/RECORD", Kind.FILE, 11, 5, 7, 0o644, 8, 0)
    fresh = Package(entries, 999, "c3d4" * 16)
    found = carry_over(old_whitelist(), fresh, [distribution(fresh, "n"), distribution(fresh, "o")])
    assert not found.decisions["n/b.py"].kept


def test_what_a_rule_dropped_before_is_dropped_still() -> None:
    fresh = package("n/a.py", "n/b.py", "n-1.0.dist-info/RECORD", crc32=2)
    whitelist = old_whitelist(Rules(drop=("n/b.py",)))
    assert not carry_over(whitelist, fresh, [distribution(fresh, "n")]).decisions["n/b.py"].kept
    again = carry_over(whitelist, fresh, [distribution(fresh, "n")], Rules(keep=("n/b.py",)))
    assert again.decisions["n/b.py"].reason is Reason.RULE_KEEP


def test_what_an_earlier_whitelist_keeps_stays_kept() -> None:
    whole = package("a", "b", "c", "d")
    earlier = chosen(whole, evidence("a", "b"))
    later = chosen(whole, evidence("c"), rules=Rules(drop=("b",)))
    both = keep_too(later, earlier)
    assert list(both.kept()) == ["a", "c"]
    assert both.decisions["a"].reason is Reason.OPENED


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


# -- whatever the package looks like ---------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["__init__.py", "x.py", "x.pyc", "__pycache__", "x.cpython-311.pyc", "LICENSE", "cacert.pem", "n"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(
    st.sets(PATHS, max_size=20),
    st.dictionaries(PATHS, PATHS | st.just(".."), max_size=5),
    st.sets(PATHS),
    st.sets(PATHS),
)
@settings(deadline=None)
def test_any_package_and_any_evidence_end_in_a_whole_whitelist(
    files: set[str], links: dict[str, str], opened: set[str], dropped: set[str]
) -> None:
    whole = package(*files, links=links)
    found = chosen(whole, evidence(*opened), rules=Rules(drop=tuple(sorted(dropped))))
    kept = set(found.kept())
    assert found.decisions.keys() == whole.entries.keys()
    assert all(posixpath.dirname(path) in kept | {""} for path in kept)
    assert {path for path in opened & files if path in kept or found.decisions[path].reason is Reason.RULE_DROP} == (
        opened & files
    )
