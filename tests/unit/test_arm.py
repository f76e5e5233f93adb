"""The probe goes into a configuration and comes out again exactly."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import LdeployError
from deployer.instrumentation.configure import (
    EXEC_WRAPPER,
    FIT_WRAPPER,
    PROBE_LAYER,
    START_LAYER,
    STORAGE_VARIABLE,
    arm,
    check,
    check_runtime,
    disarm,
    fitted,
    is_armed,
    raised,
    unfitted,
    unprobed,
)
from deployer.instrumentation.layer_zip import SAMPLE_VARIABLE, START_WRAPPER, WRAPPER, WRAPPER_VARIABLE
from deployer.models.function import Configuration, Function

ROLE = "arn:aws:iam::123456789012:role/r"
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:other:3"
START = "arn:aws:lambda:eu-west-1:123456789012:layer:ldeploy-start:2"
PROBE = "arn:aws:lambda:eu-west-1:123456789012:layer:ldeploy-probe:1"
BARE = Configuration("python3.11", "app.handler", ROLE)

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{1,20}", fullmatch=True).filter(lambda name: not name.startswith("LDEPLOY"))
environments = st.dictionaries(st.one_of(names, st.just(EXEC_WRAPPER)), st.text(max_size=30), max_size=8)
configurations = st.builds(
    replace,
    st.just(BARE),
    environment=environments,
    layers=st.lists(st.just(LAYER), max_size=4).map(tuple),
    memory=st.integers(128, 10240),
)


@given(configurations, st.floats(0, 1, exclude_min=True))
def test_what_goes_in_comes_out_exactly(configuration, share):
    armed = arm(configuration, PROBE, "a" * 16, share)
    assert is_armed(armed)
    assert disarm(armed) == configuration


@given(configurations, st.integers(0, 9_000_000_000))
def test_what_was_made_to_fit_is_unmade_exactly(configuration, unpacked):
    made = fitted(configuration, unpacked)
    assert unfitted(made) == configuration
    assert unfitted(fitted(unfitted(made), unpacked)) == configuration
    assert made.storage == min(10_240, configuration.storage + (unpacked // 2**20 + 1 if unpacked else 0))


@pytest.mark.parametrize(("own", "layers", "wrapper"), [(4, 5, START_WRAPPER), (5, 5, FIT_WRAPPER)])
def test_what_was_made_to_fit_starts_by_a_layer_where_there_is_room_for_one(own, layers, wrapper):
    made = fitted(replace(BARE, layers=(LAYER,) * own), 0)
    assert (len(made.layers), made.environment[EXEC_WRAPPER]) == (layers, wrapper)
    assert (START_LAYER in made.layers) == (own < layers)


def test_a_wrapper_that_lies_in_the_package_is_taken_out_too():
    """As where there was no room for a layer, and as every ldeploy did before there was one."""
    made = {EXEC_WRAPPER: FIT_WRAPPER, STORAGE_VARIABLE: "600", WRAPPER_VARIABLE: "/opt/own"}
    assert unfitted(replace(BARE, environment=made)) == replace(
        BARE, environment={EXEC_WRAPPER: "/opt/own"}, storage=600
    )


def test_the_layer_goes_even_where_somebody_took_our_variables_away():
    made = replace(fitted(replace(BARE, layers=(LAYER,)), 0), environment={"THEIRS": "1"}, layers=(LAYER, START))
    assert unfitted(made) == replace(BARE, layers=(LAYER,), environment={"THEIRS": "1"})


def test_a_wrapper_that_another_put_in_the_place_of_ours_stays():
    made = fitted(replace(BARE, environment={EXEC_WRAPPER: "/opt/own"}), 1)
    changed = replace(made, environment={**made.environment, EXEC_WRAPPER: "/opt/other"})
    assert unfitted(changed).environment == {EXEC_WRAPPER: "/opt/other"}


@given(configurations)
def test_a_probe_of_what_was_made_to_fit_leads_back_to_what_the_user_wants(configuration):
    before = fitted(configuration, 50_000_000)
    probed = raised(unfitted(before), 9000, None)
    assert unprobed(arm(probed, PROBE, "a" * 16), before, probed) == configuration


@given(configurations)
def test_arming_twice_is_arming_once_with_the_later_package(configuration):
    assert arm(arm(configuration, PROBE, "a" * 16), PROBE, "b" * 16) == arm(configuration, PROBE, "b" * 16)


@given(configurations)
def test_the_function_s_own_variables_stay(configuration):
    armed = arm(configuration, PROBE, "a" * 16)
    own = {name: value for name, value in configuration.environment.items() if name != EXEC_WRAPPER}
    assert own.items() <= armed.environment.items()


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_the_share_of_sandboxes_that_report_is_a_plain_decimal(share):
    text = arm(BARE, PROBE, "a" * 16, share).environment[SAMPLE_VARIABLE]
    assert (float(text), set(text) <= set("0123456789.")) == (share, True)


def test_where_all_sandboxes_report_nothing_says_so():
    assert SAMPLE_VARIABLE not in arm(arm(BARE, PROBE, "a" * 16, 0.5), PROBE, "a" * 16, 1.0).environment


def test_the_layer_comes_last():
    assert arm(replace(BARE, layers=(LAYER,)), PROBE_LAYER, "a" * 16).layers == (LAYER, PROBE_LAYER)


def test_the_user_s_own_wrapper_is_chained():
    armed = arm(replace(BARE, environment={EXEC_WRAPPER: "/opt/datadog_wrapper"}), PROBE, "a" * 16)
    assert armed.environment[EXEC_WRAPPER] == WRAPPER
    assert "/opt/datadog_wrapper" in armed.environment.values()


def test_a_wrapper_that_someone_put_in_meanwhile_stays():
    armed = arm(BARE, PROBE, "a" * 16)
    changed = replace(armed, environment={**armed.environment, EXEC_WRAPPER: "/opt/otel"})
    assert disarm(changed).environment == {EXEC_WRAPPER: "/opt/otel"}


def test_five_layers_are_too_many():
    with pytest.raises(LdeployError, match="5 layers"):
        arm(replace(BARE, layers=(LAYER,) * 5), PROBE, "a" * 16)


def test_an_environment_over_4_kb_is_refused_without_its_values():
    with pytest.raises(LdeployError, match="4096") as caught:
        arm(replace(BARE, environment={"SECRET": "s3cret" * 670}), PROBE, "a" * 16)
    assert "s3cret" not in str(caught.value)


def test_the_size_is_lambda_s_own_measure():
    fits = {"A": "x" * 3900}
    armed = arm(replace(BARE, environment=fits), PROBE, "a" * 16)
    assert len(json.dumps(dict(armed.environment), separators=(",", ":"))) <= 4096


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided", "go1.x", "nodejs20.x", "python3.8", ""])
def test_other_runtimes_are_refused(runtime):
    with pytest.raises(LdeployError):
        check_runtime(runtime)


def test_images_are_refused():
    with pytest.raises(LdeployError, match="container image"):
        check(Function("f", "arn", BARE, "", 0, "", package_type="Image"))


def test_only_what_the_probe_raised_is_put_back():
    probed = raised(BARE, memory=2048, timeout=None)
    by_others = replace(arm(probed, PROBE, "a" * 16), timeout=30)
    assert unprobed(by_others, BARE, probed) == replace(BARE, timeout=30)


def test_what_was_changed_by_others_meanwhile_stays():
    probed = raised(BARE, memory=2048, timeout=None)
    assert unprobed(replace(probed, memory=3008), BARE, probed).memory == 3008
