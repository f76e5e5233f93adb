"""What was there before the probe is found out once, and kept through runs that were cut off."""

from dataclasses import replace

import pytest

from deployer.errors import ConflictError, MissingError, WorkspaceError
from deployer.instrumentation.configure import arm
from deployer.models.function import Configuration, Function, StoredZip
from deployer.state.baseline import begin, deployed, of_this_function, probed_state, seen_layers
from deployer.state.state import Answer, Stage

BARE = Configuration("python3.11", "app.handler", "arn:aws:iam::1:role/r", memory=512)
FULL = StoredZip("b", "ldeploy/1.zip", "1" * 64, 1000, label="a" * 16)
OTHER = replace(FULL, sha256="2" * 64, label="b" * 16)
SLIM = StoredZip("b", "ldeploy/3.zip", "3" * 64, 300)


def function(sha256="0" * 64, configuration=BARE, size=500):
    return Function("f", "arn:f", configuration, sha256, size, "r", log_group="/aws/lambda/f")


PRESENT = function()
STATE = begin("f", "b", PRESENT, None, None, FULL, 1000)
ARMED = arm(BARE, "arn:aws:lambda:eu-west-1:1:layer:ldeploy-probe:1", "a" * 16)


def test_what_is_found_is_what_was_before():
    assert (STATE.before, STATE.before_code.sha256) == (BARE, PRESENT.code_sha256)
    assert STATE.before_code.key == f"ldeploy/{PRESENT.code_sha256}.zip"


@pytest.mark.parametrize("sha256", ["0" * 64, FULL.sha256])
@pytest.mark.parametrize("configuration", [BARE, ARMED])
@pytest.mark.parametrize("stage", [Stage.PROBING, Stage.PROBED])
def test_a_run_that_goes_on_keeps_what_was_before(sha256, configuration, stage):
    again = begin("f", "b", function(sha256, configuration), replace(STATE, stage=stage), None, FULL, 2000)
    assert (again.before, again.before_code, again.probed_at) == (STATE.before, STATE.before_code, 1000)


def test_another_package_begins_its_own_evidence_and_answers():
    probed = replace(STATE, stage=Stage.PROBED, events="/e", answers={"a.json": Answer("0", False)})
    again = begin("f", "b", function(FULL.sha256, ARMED), probed, None, OTHER, 2000)
    assert (again.before, again.full, again.probed_at, again.answers) == (BARE, OTHER, 2000, {})
    assert begin("f", "b", function(FULL.sha256, ARMED), probed, None, FULL, 2000).answers == probed.answers


@pytest.mark.parametrize("stage", [Stage.SHRUNK, Stage.RESTORED])
def test_after_a_finished_round_what_is_found_is_what_was_before(stage):
    slim = function(SLIM.sha256)
    again = begin("f", "b", slim, replace(STATE, stage=stage, slim=SLIM), None, OTHER, 2000)
    assert again.before_code.sha256 == SLIM.sha256


def test_code_that_somebody_else_put_in_is_what_was_before():
    again = begin("f", "b", function("9" * 64, ARMED), replace(STATE, stage=Stage.PROBED), None, OTHER, 2000)
    assert again.before_code.sha256 == "9" * 64
    assert again.before == BARE


def test_memory_that_an_earlier_probe_raised_is_not_what_was_before():
    raised = replace(STATE, stage=Stage.PROBED, probed=replace(BARE, memory=2048))
    found = function("9" * 64, replace(ARMED, memory=2048))
    assert begin("f", "b", found, raised, None, OTHER, 2000).before == BARE


def test_what_is_left_of_a_function_of_the_same_name_elsewhere_is_not_used():
    here, there = (f"arn:aws:lambda:{region}:123456789012:function:f" for region in ("eu-west-1", "us-east-1"))
    state = begin("f", "b", replace(PRESENT, arn=here), None, None, FULL, 0)
    assert of_this_function(state, replace(PRESENT, arn=here), "eu-west-1") == state
    assert of_this_function(state, None, "eu-west-1") == state
    for found in (replace(PRESENT, arn=there), None):
        with pytest.raises(WorkspaceError, match="eu-west-1"):
            of_this_function(state, found, "us-east-1")


def test_a_function_that_is_not_there_is_named():
    with pytest.raises(MissingError, match="no function f"):
        begin("f", "b", None, None, None, FULL, 0)


def test_a_function_to_be_created_was_the_full_package_before():
    state = begin("f", "b", None, None, BARE, FULL, 0)
    assert (state.before, state.before_code) == (BARE, FULL)


@pytest.mark.parametrize(
    ("stage", "sha256", "error"),
    [
        (Stage.PROBED, "9" * 64, ConflictError),
        (Stage.RESTORED, FULL.sha256, WorkspaceError),
        (Stage.PROBING, FULL.sha256, WorkspaceError),
    ],
)
def test_what_cannot_be_shrunk_is_said(stage, sha256, error):
    with pytest.raises(error):
        probed_state(function(sha256), replace(STATE, stage=stage))


def test_a_function_never_probed_cannot_be_shrunk():
    with pytest.raises(WorkspaceError, match="not probed"):
        probed_state(PRESENT, None)


@pytest.mark.parametrize("stage", [Stage.PROBED, Stage.SHRINKING, Stage.SHRUNK])
def test_a_shrink_that_was_cut_off_goes_on(stage):
    state = replace(STATE, stage=stage, slim=SLIM)
    for sha256 in (FULL.sha256, SLIM.sha256):
        assert probed_state(function(sha256), state) == state


def test_a_zip_of_the_user_s_is_known_by_its_size_until_lambda_has_said_its_hash():
    unhashed = replace(FULL, sha256="")
    state = begin("f", "b", PRESENT, None, None, unhashed, 0)
    assert deployed(function("8" * 64, size=1000), state) == unhashed


# -- packages that were probed before --------------------------------------------------------------------------


def probed_in_turn(*packages):
    """The state after these packages were probed one after another, a second each."""
    state = None
    for number, package in enumerate(packages):
        state = begin("f", "b", PRESENT, state, None, package, 1000 * (number + 1))
    return state


def test_the_packages_that_were_probed_before_are_known_with_their_time():
    state = probed_in_turn(FULL, OTHER)
    (probed,) = state.earlier
    assert (probed.label, probed.since, probed.until, probed.log_group) == (FULL.label, 1000, 2000, "/aws/lambda/f")


def test_a_package_that_is_probed_again_is_no_earlier_one():
    state = probed_in_turn(FULL, OTHER, FULL)
    assert ([probed.label for probed in state.earlier], state.probed_at) == ([OTHER.label], 1000)


def test_a_package_that_was_deployed_without_a_probe_has_no_evidence():
    deployed_later = begin("f", "b", PRESENT, STATE, None, OTHER, 2000, probing=False)
    state = begin("f", "b", PRESENT, deployed_later, None, replace(FULL, label="c" * 16), 9000)
    assert deployed_later.probed_at == 0
    assert [probed.label for probed in state.earlier] == [FULL.label]


def test_a_package_that_is_deployed_once_more_keeps_its_evidence():
    assert begin("f", "b", PRESENT, STATE, None, FULL, 2000, probing=False).probed_at == STATE.probed_at


def test_a_layer_is_seen_when_a_record_came_after_the_first_probe_with_it():
    first = begin("f", "b", function(configuration=replace(BARE, layers=("own:1",))), None, None, FULL, 1_000)
    both = function(configuration=replace(BARE, layers=("own:1", "own:2")))
    state = begin("f", "b", both, first, None, FULL, 5_000)
    assert seen_layers(state, "1970-01-01T00:00:02.000Z") == {"own:1"}
    assert seen_layers(state, "1970-01-01T00:00:05.000Z") == {"own:1", "own:2"}
    assert seen_layers(state, "") == frozenset()
