"""Each path of a package is kept or dropped, for the strongest reason, and nothing needed with it is forgotten."""

import posixpath
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import UsageError
from deployer.models.package import Distribution, Examined
from deployer.models.whitelist import Reason, Rules
from deployer.whitelist import Surroundings, choose
from tests.unit.whitelists import chosen, evidence, package, reasons

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


def test_what_lies_directly_in_a_browsed_directory_is_kept() -> None:
    whole = package("data/a", "data/sub/b", "data/pkg/__init__.py", "data/pkg/c.py", "other/d")
    kept = reasons(chosen(whole, evidence(browsed=["data"])))
    assert set(kept) == {"data", "data/a", "data/sub", "data/pkg", "data/pkg/__init__.py"}
    assert kept["data/a"] is Reason.BROWSED


def test_the_root_and_a_directory_behind_a_symlink_are_browsed_too() -> None:
    whole = package("a.py", "v2/b.txt", "v2/sub/c", links={"now": "v2"})
    assert {"a.py", "v2", "now"} <= set(chosen(whole, evidence(browsed=["."])).kept())
    assert {"now", "v2/b.txt"} <= set(chosen(whole, evidence(browsed=["now"])).kept())


def test_the_handler_is_kept_though_nothing_was_seen() -> None:
    whole = package("pkg/__init__.py", "pkg/app.py")
    assert reasons(chosen(whole, evidence(), around=Surroundings("pkg.app.run"))) == {
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
    unknown = Examined(whole, (Distribution("n", "", "n.dist-info", frozenset()),))
    found = choose(unknown, evidence("a.py"), Rules(), Surroundings("a.run"))
    assert reasons(found)["n.dist-info/METADATA"] is Reason.METADATA


def test_licences_are_looked_for_below_the_place_of_installation() -> None:
    site = "python/lib/python3.11/site-packages"
    whole = package(f"{site}/n/a.py", f"{site}/n/LICENSE", f"{site}/o/LICENSE", f"{site}/n-1.dist-info/RECORD")
    one = Distribution("n", "1", f"{site}/n-1.dist-info", frozenset({f"{site}/n/a.py"}))
    kept = reasons(choose(Examined(whole, (one,)), evidence(f"{site}/n/a.py"), Rules(), Surroundings("a.run")))
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


def test_what_is_not_a_pattern_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not a pattern"):
        chosen(package("a"), evidence("a"), rules=Rules(keep=("!",)))


# -- evidence of something else --------------------------------------------------------------------------------


def test_paths_that_the_package_does_not_hold_are_counted_but_not_those_of_layers() -> None:
    seen = evidence("a", "gone", "m/gone", "/opt/python/x.py", "link/x")
    (warning,) = chosen(package("a", links={"link": "/tmp/x"}), seen).warnings
    assert "2 paths (gone, m/gone)" in warning


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


def test_folders_that_came_with_what_the_guard_brought_are_kept_empty():
    """A module beside a folder of its name: to look for the one is to look at the other."""
    whole = package("app.py", "lib/a.py", "lib/_rust.so", "lib/_rust/types.pyi", "other/deep/x.py")
    seen = evidence("app.py", "lib/a.py")
    brought = replace(seen.paths["lib/a.py"], witnesses=frozenset({"guard"}))
    kept = set(chosen(whole, replace(seen, paths={**seen.paths, "lib/a.py": brought})).kept())
    assert kept >= {"lib/_rust", "lib/a.py"}
    assert not kept & {"lib/_rust/types.pyi", "lib/_rust.so", "other", "other/deep"}
    assert "lib/_rust" not in set(chosen(whole, seen).kept())
