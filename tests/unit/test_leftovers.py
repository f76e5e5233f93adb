"""What may go: never what an alias, a way back, the state or somebody else needs."""

from dataclasses import replace

import pytest

from deployer.aws.leftovers import LayerVersion, Version
from deployer.deploy.leftovers import YOUNG_MS, Seen, layers_to_go, policies_of_ours, versions_to_go, zips_to_go
from deployer.models.function import Configuration, Routing, StoredZip, package_key
from deployer.state.stages import Stage
from deployer.state.state import Baseline, Packages, Probe, State

BARE = Configuration("python3.11", "app.handler", "arn:aws:iam::1:role/r")
BEFORE, FULL, SLIM, OLD = (StoredZip("b", package_key("f", digit * 64), digit * 64, 1) for digit in "0123")
STATE = State("f", Stage.SHRUNK, "b", Baseline(BARE, BEFORE), Packages(FULL, SLIM), Probe(BARE, "g", 0))
VERSIONS = (
    Version("$LATEST", "", SLIM.sha256, 1),
    Version("1", "before ldeploy probe of x", BEFORE.sha256, 1),
    Version("2", "before ldeploy probe of x", BEFORE.sha256, 1),
    Version("3", "ldeploy shrink of x", SLIM.sha256, 1),
    Version("4", "theirs", SLIM.sha256, 1),
    Version("10", "ldeploy probe of x", FULL.sha256, 1),
)


def going(state=STATE, aliases=None, provisioned=()):
    return [one.number for one in versions_to_go(Seen(state, VERSIONS, aliases or {}, provisioned))]


@pytest.mark.parametrize(
    ("aliases", "provisioned", "numbers"),
    [
        ({}, (), ["1", "3", "10"]),
        ({"live": Routing("3")}, (), ["1", "10"]),
        ({"live": Routing("3", {"10": 0.1})}, (), ["1"]),
        ({}, ("1",), ["3", "10"]),
    ],
)
def test_versions_that_ldeploy_published_and_nothing_leads_to_go(aliases, provisioned, numbers):
    assert going(STATE, aliases, provisioned) == numbers


def test_the_way_back_of_an_alias_stays_and_when_all_is_restored_none_is_needed():
    assert going(replace(STATE, baseline=replace(STATE.baseline, alias="live", alias_version="1"))) == ["3", "10"]
    assert going(replace(STATE, stage=Stage.RESTORED)) == ["1", "2", "3", "10"]


def test_zips_that_the_state_names_or_that_are_read_stay():
    keys = [(one.key, 1) for one in (BEFORE, FULL, SLIM, OLD)]
    keys += [("ldeploy/functions/f/state.json", 1), ("ldeploy/functions/f/deep/x.zip", 1)]
    assert zips_to_go(STATE, keys, ()) == ((OLD.key, 1),)
    assert zips_to_go(STATE, keys, {OLD.key}) == ()


def test_layers_of_ours_go_when_no_function_uses_them_and_none_is_about_to():
    old, young = LayerVersion("a", "ldeploy probe 0", 0), LayerVersion("b", "ldeploy, pruned: 0", YOUNG_MS)
    theirs = LayerVersion("c", "Logs which files a function touches (ldeploy)", 0)
    assert layers_to_go([old, young, theirs], (), YOUNG_MS + 1) == (old,)
    assert layers_to_go([old, young, theirs], {"a"}, 3 * YOUNG_MS) == (young,)


def test_policies_are_known_by_their_whole_names():
    assert policies_of_ours("f") == {"ldeploy-f", "ldeploy-f-rest", "ldeploy-f-guard"}
    assert all(len(name) <= 128 for name in policies_of_ours("f" * 140))
