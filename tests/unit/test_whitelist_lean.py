"""The whitelist that is made for commits: small, sorted, the same from one shrink to the next, and as good."""

import json
from dataclasses import replace

import pytest

from deployer.errors import WorkspaceError
from deployer.models.package import Examined
from deployer.models.whitelist import Reason, Rules
from deployer.whitelist import carry_over, completed, from_lean_json, is_applied, is_lean, to_json, to_lean_json
from tests.unit.whitelists import chosen, distribution, evidence, package

PATHS = ("app.py", "own.py", "lib/__init__.py", "lib/core.py", "lib/extra.py", "lib-1.0.dist-info/METADATA")
BUILD = package(*PATHS, "lib-1.0.dist-info/RECORD")
LIB = distribution(BUILD, "lib")
SEEN = evidence("app.py", "lib/__init__.py", "lib/core.py")


def made(rules=None):
    return replace(chosen(BUILD, SEEN, rules=rules or Rules(), names=["lib"]), runtime="python3.11")


def again(whitelist, build=BUILD, known=(LIB,)):
    """What a fresh build keeps by the exported whitelist, and by the whole one."""
    examined = Examined(build, tuple(known))
    lean = from_lean_json(to_lean_json(whitelist, [LIB]))
    return [set(carry_over(one, examined).kept()) for one in (lean, whitelist)]


def test_it_decides_on_the_same_build_as_the_whole_one_does():
    lean, whole = again(made())
    assert lean == whole == {path for path in BUILD.entries if made().decisions[path].kept}
    assert "lib/extra.py" not in lean


def test_what_is_new_or_changed_is_kept_as_with_the_whole_one():
    fresh = package(*PATHS, "lib-1.0.dist-info/RECORD", "new.py")
    lean, whole = again(made(), fresh)
    assert lean == whole
    assert "new.py" in lean
    newer = package(*PATHS, "lib-1.0.dist-info/RECORD", crc32=2)
    lean, whole = again(made(), newer, [distribution(newer, "lib")])
    assert lean == whole >= {"lib/extra.py", "own.py"}


def test_what_a_drop_rule_took_stays_out_of_a_distribution_that_changed():
    newer = package(*PATHS, "lib-1.0.dist-info/RECORD", crc32=2)
    lean, whole = again(made(Rules(drop=("lib/core.py",))), newer, [distribution(newer, "lib")])
    assert lean == whole
    assert "lib/core.py" not in lean


def test_it_is_sorted_without_requests_and_lists_no_dropped_file_of_a_distribution():
    whitelist = made()
    text = to_lean_json(whitelist, [LIB])
    fields = json.loads(text)
    assert list(fields["keep"]) == sorted(fields["keep"])
    assert "r-1" in to_json(whitelist)
    assert "r-1" not in text
    assert list(fields["drop"]) == ["own.py"]
    assert fields["left_out"] == 1
    assert "lib" not in fields["keep"] | fields["drop"]  # folders follow from what is in them
    assert is_lean(text)
    assert not is_lean(to_json(whitelist))


def test_other_requests_and_other_sandboxes_change_no_line():
    other = replace(SEEN, sandboxes=40, paths={p: replace(o, request="r-2") for p, o in SEEN.paths.items()})
    text = to_lean_json(replace(chosen(BUILD, other, names=["lib"]), runtime="python3.11"), [LIB])
    assert text == to_lean_json(made(), [LIB])


@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.PARENT])
def test_each_reason_can_be_read_again(reason):
    whitelist = made()
    one = replace(whitelist.decisions["app.py"], reason=reason)
    found = from_lean_json(to_lean_json(replace(whitelist, decisions={**whitelist.decisions, "app.py": one}), [LIB]))
    assert found.decisions["app.py"].reason is reason


def test_a_build_that_was_made_slim_is_known_and_a_fresh_one_is_not():
    lean = from_lean_json(to_lean_json(made(), [LIB]))
    fresh = Examined(BUILD, (LIB,))
    assert not is_applied(completed(lean, fresh), fresh)
    left = package(*made().kept(), "lib/__pycache__/core.cpython-311.pyc")
    slim = Examined(left, (distribution(left, "lib"),))
    assert is_applied(completed(lean, slim), slim)


@pytest.mark.parametrize("text", ['{"ldeploy": 2}', '{"ldeploy": 1}', '{"ldeploy": 1, "keep": {"a": "because"}}'])
def test_what_is_broken_or_of_another_version_is_said(text):
    with pytest.raises(WorkspaceError):
        from_lean_json(text)
