"""What was there before the probe is found out once, and kept through runs that were cut off."""

from dataclasses import replace

import pytest

from deployer.errors import ConflictError, MissingError, WorkspaceError
from deployer.instrumentation.configure import arm, fitted
from deployer.models.function import Configuration, Function, StoredZip
from deployer.state.baseline import Beginning, begin, deployed, of_this_function, probed_state, seen_layers
from deployer.state.changes import take_over
from deployer.state.document import from_document, to_document
from deployer.state.stages import Stage
from deployer.state.state import Answer, Recorded, carried

BARE = Configuration("python3.11", "app.handler", "arn:aws:iam::1:role/r", memory=512)
FULL = StoredZip("b", "ldeploy/1.zip", "1" * 64, 1000, label="a" * 16)
OTHER = replace(FULL, sha256="2" * 64, label="b" * 16)
SLIM = StoredZip("b", "ldeploy/3.zip", "3" * 64, 300)


def function(sha256="0" * 64, configuration=BARE, size=500):
    return Function("f", "arn:f", configuration, sha256, size, "r", log_group="/aws/lambda/f")


PRESENT = function()
STATE = begin(Beginning("f", "b", FULL), PRESENT, None, 1000)
ARMED = arm(BARE, "arn:aws:lambda:eu-west-1:1:layer:ldeploy-probe:1", "a" * 16)


def test_what_is_found_is_what_was_before():
    assert (STATE.baseline.configuration, STATE.baseline.code.sha256) == (BARE, PRESENT.code_sha256)
    assert STATE.baseline.code.key == f"ldeploy/functions/f/{PRESENT.code_sha256}.zip"


@pytest.mark.parametrize("sha256", ["0" * 64, FULL.sha256])
@pytest.mark.parametrize("configuration", [BARE, ARMED])
@pytest.mark.parametrize("stage", [Stage.PROBING, Stage.PROBED])
def test_a_run_that_goes_on_keeps_what_was_before(sha256, configuration, stage):
    again = begin(Beginning("f", "b", FULL), function(sha256, configuration), replace(STATE, stage=stage), 2000)
    assert (again.baseline, again.probe.since) == (STATE.baseline, 1000)


def test_another_package_begins_its_own_evidence_and_answers():
    probed = replace(STATE, stage=Stage.PROBED, recorded=Recorded("/e", {"a.json": Answer("0", False)}))
    again = begin(Beginning("f", "b", OTHER), function(FULL.sha256, ARMED), probed, 2000)
    assert (again.baseline.configuration, again.packages.full, again.probe.since, again.recorded.answers) == (
        BARE,
        OTHER,
        2000,
        {},
    )
    assert begin(Beginning("f", "b", FULL), function(FULL.sha256, ARMED), probed, 2000).recorded == probed.recorded


@pytest.mark.parametrize(("stage", "before"), [(Stage.SHRUNK, "0"), (Stage.RESTORED, "3")])
def test_what_was_before_stays_while_what_is_deployed_is_ours(stage, before):
    slim = function(SLIM.sha256)
    again = begin(Beginning("f", "b", OTHER), slim, replace(STATE, stage=stage).with_slim(SLIM), 2000)
    assert again.baseline.code.sha256 == before * 64


def test_code_that_somebody_else_put_in_is_what_was_before():
    again = begin(Beginning("f", "b", OTHER), function("9" * 64, ARMED), replace(STATE, stage=Stage.PROBED), 2000)
    assert again.baseline.code.sha256 == "9" * 64
    assert again.baseline.configuration == BARE


def test_memory_that_an_earlier_probe_raised_is_not_what_was_before():
    raised = replace(STATE, stage=Stage.PROBED, probe=replace(STATE.probe, configuration=replace(BARE, memory=2048)))
    found = function("9" * 64, replace(ARMED, memory=2048))
    assert begin(Beginning("f", "b", OTHER), found, raised, 2000).baseline.configuration == BARE


def test_what_is_left_of_a_function_of_the_same_name_elsewhere_is_not_used():
    here, there = (f"arn:aws:lambda:{region}:123456789012:function:f" for region in ("eu-west-1", "us-east-1"))
    state = begin(Beginning("f", "b", FULL), replace(PRESENT, arn=here), None, 0)
    assert of_this_function(state, replace(PRESENT, arn=here), "eu-west-1") == state
    assert of_this_function(state, None, "eu-west-1") == state
    for found in (replace(PRESENT, arn=there), None):
        with pytest.raises(WorkspaceError, match="eu-west-1"):
            of_this_function(state, found, "us-east-1")


def test_a_function_that_is_not_there_is_named():
    with pytest.raises(MissingError, match="no function f"):
        begin(Beginning("f", "b", FULL), None, None, 0)


def test_a_function_to_be_created_was_the_full_package_before():
    state = begin(Beginning("f", "b", FULL, BARE), None, None, 0)
    assert (state.baseline.configuration, state.baseline.code) == (BARE, FULL)


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
    state = replace(STATE, stage=stage).with_slim(SLIM)
    for sha256 in (FULL.sha256, SLIM.sha256):
        assert probed_state(function(sha256), state) == state


def test_a_zip_of_the_user_s_is_known_by_its_size_until_lambda_has_said_its_hash():
    unhashed = replace(FULL, sha256="")
    state = begin(Beginning("f", "b", unhashed), PRESENT, None, 0)
    assert deployed(function("8" * 64, size=1000), state) == unhashed


# -- packages that were probed before --------------------------------------------------------------------------


def probed_in_turn(*packages):
    """The state after these packages were probed one after another, a second each."""
    state = None
    for number, package in enumerate(packages):
        state = begin(Beginning("f", "b", package), PRESENT, state, 1000 * (number + 1))
    return state


def test_the_packages_that_were_probed_before_are_known_with_their_time():
    state = probed_in_turn(FULL, OTHER)
    (probed,) = state.earlier
    assert (probed.label, probed.since, probed.until, probed.log_group) == (FULL.label, 1000, 2000, "/aws/lambda/f")


def test_a_package_that_is_probed_again_is_no_earlier_one():
    state = probed_in_turn(FULL, OTHER, FULL)
    assert ([probed.label for probed in state.earlier], state.probe.since) == ([OTHER.label], 1000)


def test_a_package_that_was_deployed_without_a_probe_has_no_evidence():
    deployed_later = begin(Beginning("f", "b", OTHER, probing=False), PRESENT, STATE, 2000)
    state = begin(Beginning("f", "b", replace(FULL, label="c" * 16)), PRESENT, deployed_later, 9000)
    assert deployed_later.probe.since == 0
    assert [probed.label for probed in state.earlier] == [FULL.label]


def test_a_package_that_is_deployed_once_more_keeps_its_evidence():
    assert begin(Beginning("f", "b", FULL, probing=False), PRESENT, STATE, 2000).probe.since == STATE.probe.since


# -- the nonce that records carry ------------------------------------------------------------------------------


def again(package, nonce, state, now):
    return begin(Beginning("f", "b", package, nonce=nonce), PRESENT, state, now)


def test_records_carry_a_nonce_that_was_drawn_for_the_deployment():
    state = again(FULL, "drawn", None, 1000)
    assert carried(state.packages.full.label, state.probe.nonce) == f"{FULL.label}-drawn"
    assert from_document({**to_document(state), "version": 1}).probe.nonce == "drawn"


def test_a_package_that_is_probed_again_keeps_its_nonce_and_another_gets_a_new_one():
    first = again(FULL, "first", None, 1000)
    second = again(OTHER, "second", first, 2000)
    third = again(FULL, "third", second, 3000)
    assert [(one.probe.nonce, one.probe.since) for one in (second, third)] == [("second", 2000), ("first", 1000)]
    assert [(one.label, one.nonce) for one in third.earlier] == [(OTHER.label, "second")]
    assert begin(Beginning("f", "b", FULL, probing=False), PRESENT, third, 4000).probe.nonce == "first"


def test_what_was_probed_before_there_were_nonces_is_earlier_evidence_of_the_same_package():
    state = again(FULL, "new", STATE, 5000)
    assert (state.probe.nonce, state.probe.since) == ("new", 5000)
    assert [(one.key, one.carried, one.since) for one in state.earlier] == [(FULL.label, FULL.label, STATE.probe.since)]


def test_a_layer_is_seen_when_a_record_came_after_the_first_probe_with_it():
    first = begin(Beginning("f", "b", FULL), function(configuration=replace(BARE, layers=("own:1",))), None, 1_000)
    both = function(configuration=replace(BARE, layers=("own:1", "own:2")))
    state = begin(Beginning("f", "b", FULL), both, first, 5_000)
    assert seen_layers(state, "1970-01-01T00:00:02.000Z") == {"own:1"}
    assert seen_layers(state, "1970-01-01T00:00:05.000Z") == {"own:1", "own:2"}
    assert seen_layers(state, "") == frozenset()


@pytest.mark.parametrize("act", ["probe", "redeploy"])
def test_what_a_command_was_to_replace_is_ours_where_it_was_cut_off(act):
    shrunk = replace(STATE, stage=Stage.SHRUNK).with_slim(SLIM)
    slim = function(SLIM.sha256)
    if act == "probe":
        cut = begin(Beginning("f", "b", OTHER), slim, shrunk, 2000)
    else:
        begun = begin(Beginning("f", "b", OTHER, probing=False), slim, shrunk, 2000)
        cut = replace(begun, stage=Stage.SHRINKING).with_slim(replace(SLIM, sha256="4" * 64))
    assert deployed(slim, cut) == SLIM
    again = begin(Beginning("f", "b", OTHER), slim, cut, 3000)
    assert (again.baseline, deployed(slim, again)) == (STATE.baseline, SLIM)


def test_a_function_that_was_guarded_before_keeps_its_start_layer_whatever_layers_others_give_it():
    """As one that was shrunk from another folder and bucket, of which nothing is known here."""
    guarded = fitted(BARE, 0)
    published = replace(guarded, layers=("arn:aws:lambda:r:1:layer:ldeploy-start:1",))
    state = begin(Beginning("f", "b", FULL), function(configuration=published), None, 1000)
    assert state.baseline.configuration == published
    theirs = "arn:aws:lambda:r:1:layer:theirs:1"
    taken = take_over(state, replace(ARMED, layers=(theirs, *ARMED.layers)))
    assert taken.configuration == replace(published, layers=(theirs, *published.layers))
