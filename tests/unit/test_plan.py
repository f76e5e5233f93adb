"""Plans: what is written down first, and the order in which sizes stay under the limit."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.deploy import planner
from deployer.deploy.planner import ProbePlan, Redeployment
from deployer.instrumentation.configure import PROBE_LAYER, arm
from deployer.models.function import Configuration, Function, StoredZip
from deployer.models.settings import Settings
from deployer.models.slim import Measure
from deployer.models.whitelist import Whitelist
from deployer.slim.build import SlimPackage
from deployer.state.stages import Stage
from deployer.state.state import Baseline, Packages, Probe, State
from deployer.whitelist import Inventory

BARE = Configuration("python3.11", "app.handler", "arn:aws:iam::1:role/r")
BEFORE = StoredZip("b", "ldeploy/0.zip", "0" * 64, 500)
FULL = StoredZip("b", "ldeploy/1.zip", "1" * 64, 1000, label="a" * 16)
SLIM = StoredZip("b", "ldeploy/2.zip", "2" * 64, 300)
STATE = State("f", Stage.PROBING, "b", Baseline(BARE, BEFORE), Packages(FULL), Probe(BARE, "/aws/lambda/f", 0))
HELD = Inventory("a" * 16, (), {})
SLIM_PACKAGE = SlimPackage(Path("slim.zip"), Whitelist("a" * 16, {}), Measure(1, 300, 300, "2" * 64), Settings(), ())
CHANGES = (planner.Create, planner.UpdateCode, planner.UpdateConfiguration)


def found(code=BEFORE, configuration=BARE):
    return Function("f", "arn:f", configuration, code.sha256, code.zip_bytes, "r1")


def kinds(steps):
    return [type(step) for step in steps]


def first_change(steps):
    return next(i for i, step in enumerate(steps) if isinstance(step, CHANGES))


@given(st.sampled_from([None, found(), found(FULL), found(FULL, arm(BARE, "l", "a" * 16))]))
def test_what_was_before_is_written_down_before_the_first_change(function):
    steps = planner.probe(function, ProbePlan(STATE, {FULL.key: Path("full.zip")}), HELD, None, None)
    before = kinds(steps[: first_change(steps)])
    assert {planner.SaveState, planner.Describe} <= set(before)
    if function and function.code_sha256 == BEFORE.sha256:
        assert before.index(planner.KeepCode) < before.index(planner.SaveState)


def test_a_version_is_published_before_the_code_changes():
    steps = kinds(planner.probe(found(), ProbePlan(STATE, {}), HELD, None, None))
    assert steps.index(planner.PublishVersion) < steps.index(planner.UpdateCode)


def test_the_layer_comes_after_the_code_and_ends_in_the_configuration():
    steps = planner.probe(found(), ProbePlan(STATE, {}), HELD, None, None)
    assert kinds(steps)[-3:] == [planner.UpdateCode, planner.UpdateConfiguration, planner.SaveState]
    updated = next(step for step in steps if isinstance(step, planner.UpdateConfiguration))
    assert updated.configuration.layers == (PROBE_LAYER,)


def test_code_that_is_there_already_is_not_sent_again():
    assert planner.UpdateCode not in kinds(planner.probe(found(FULL), ProbePlan(STATE, {}), HELD, None, None))


@pytest.mark.parametrize("present", [BEFORE, FULL])
def test_what_is_deployed_is_copied_once_where_it_is_the_package_too(present):
    state = replace(STATE, baseline=Baseline(BARE, replace(present, label="")), packages=Packages(present))
    steps = planner.probe(found(present), ProbePlan(state, {}), HELD, None, None)
    assert [step.zip.uri for step in steps if isinstance(step, planner.KeepCode)] == [present.uri]


def test_a_new_function_is_created_without_the_probe_first():
    steps = planner.probe(None, ProbePlan(STATE, {}), HELD, None, None)
    created = next(step for step in steps if isinstance(step, planner.Create))
    assert created.configuration == BARE


def test_the_bucket_is_made_first():
    assert kinds(planner.probe(found(), ProbePlan(STATE, {}), HELD, "b", None))[0] is planner.MakeBucket


def test_shrinking_makes_the_code_smaller_before_the_layer_goes():
    probed = found(FULL, arm(BARE, "l", "a" * 16))
    state = replace(STATE, stage=Stage.SHRINKING).with_slim(SLIM)
    steps = kinds(planner.shrink(probed, Redeployment(state, BARE, SLIM_PACKAGE)))
    assert steps.index(planner.Upload) < steps.index(planner.UpdateCode) < steps.index(planner.UpdateConfiguration)
    assert steps.index(planner.UpdateConfiguration) < steps.index(planner.PublishVersion)


def test_restoring_takes_the_layer_away_before_the_code_grows():
    probed = found(FULL, arm(BARE, "l", "a" * 16))
    steps = kinds(planner.restore(probed, replace(STATE, stage=Stage.RESTORING)))
    assert steps == [planner.SaveState, planner.UpdateConfiguration, planner.UpdateCode, planner.SaveState]


def test_restoring_what_is_restored_changes_nothing():
    steps = planner.restore(found(), replace(STATE, stage=Stage.RESTORING))
    assert not any(isinstance(step, CHANGES) for step in steps)


def test_a_failed_trial_leads_back_to_the_code_and_the_configuration_that_were_there():
    was = found(FULL, arm(BARE, "l", "a" * 16))
    steps = planner.take_back(found(SLIM), was, FULL, STATE)
    assert any(isinstance(step, planner.UpdateCode) and step.zip == FULL for step in steps)
    assert any(
        isinstance(step, planner.UpdateConfiguration) and step.configuration == was.configuration for step in steps
    )
    assert steps[-1] == planner.SaveState(STATE)


def test_shrinking_without_a_slim_package_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="no slim package"):
        planner.shrink(found(), Redeployment(STATE, BARE, SLIM_PACKAGE))


@given(st.sampled_from([None, found(), found(FULL)]))
def test_every_step_says_what_it_does_and_no_value_of_the_environment(function):
    state = replace(STATE, baseline=Baseline(replace(BARE, environment={"KEY": "s3cret"}), BEFORE))
    plan = ProbePlan(state, {FULL.key: Path("full.zip")})
    for step in planner.probe(function, plan, HELD, "b", planner.Invoke("f", Path("events"), 20)):
        assert str(step)
        assert "s3cret" not in f"{step}{step!r}"
