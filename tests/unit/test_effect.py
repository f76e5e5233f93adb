"""The plan as its effect: one line for what comes, goes or changes; no value of a variable; no inner step."""

from dataclasses import replace
from pathlib import Path

from deployer.deploy import planner
from deployer.deploy.effect import activities, effects
from deployer.deploy.planner import ProbePlan
from deployer.deploy.steps import AttachPolicy, Delete, Invoke, SaveState, UpdateCode, UpdateConfiguration
from deployer.instrumentation.configure import START_LAYER
from deployer.models.function import Configuration, StoredZip
from tests.unit.test_plan import BARE, FULL, HELD, STATE, found

WAS = Configuration("python3.11", "app.handler", "arn:aws:iam::1:role/r", environment={"KEY": "s3cret", "OLD": "1"})


def configured(**settings: object) -> tuple[str, ...]:
    return effects([UpdateConfiguration("f", replace(WAS, **settings), "why", WAS)])  # type: ignore[arg-type]


def test_a_probe_is_its_layer_its_variables_and_the_code():
    lines = effects(planner.probe(found(), ProbePlan(STATE, {FULL.key: Path("full.zip")}), HELD, "b", None))
    assert "+ bucket b" in lines
    assert "+ layer ldeploy-probe" in lines
    assert "+ 2 variables (AWS_LAMBDA_EXEC_WRAPPER, LDEPLOY_PACKAGE)" in lines
    assert any(line.startswith("~ code ") for line in lines)
    assert len(lines) == len(set(lines))
    assert not any("write down" in line for line in lines)


def test_settings_are_told_before_and_after_and_variables_by_name_alone():
    environment = {"KEY": "an0ther", "NEW": "2"}
    lines = configured(memory=1024, environment=environment, layers=("arn:aws:lambda:r:1:layer:own:7",))
    assert lines == (
        "+ layer own:7",
        "+ 1 variable (NEW)",
        "- 1 variable (OLD)",
        "~ 1 variable (KEY)",
        "~ memory 128 -> 1,024 MB",
    )


def test_what_leaves_nothing_behind_is_told_as_what_is_done():
    probe = planner.probe(found(), ProbePlan(STATE, {}), HELD, None, Invoke("f", Path("/here/events"), 3))
    assert effects(probe)[-1] == "· send the events of events/ to f, in each of 3 fresh sandboxes"
    assert list(activities(SaveState(STATE))) == []


def test_a_layer_of_ours_is_the_same_in_another_version():
    was = replace(WAS, layers=("arn:aws:lambda:r:1:layer:ldeploy-start:1", "arn:aws:lambda:r:1:layer:own:7"))
    assert effects([UpdateConfiguration("f", replace(was, layers=(START_LAYER, was.layers[1])), "why", was)]) == ()
    assert effects([UpdateConfiguration("f", WAS, "why", was)]) == ("- layer ldeploy-start:1", "- layer own:7")


def test_code_policies_and_what_is_deleted():
    zipped = StoredZip("b", "k", "5a" * 32, 28_400_000)
    assert effects([UpdateCode("f", zipped, None, 55_000_000)]) == ("~ code 55.0 MB -> 28.4 MB zipped",)
    assert effects([AttachPolicy("arn:aws:iam::1:role/own/r", "p", "{}")]) == ("+ policy p on r",)
    assert effects([Delete("version", "3", "f", "spare")]) == ("- version 3 (spare)",)
    assert effects([SaveState(STATE)]) == ()
    assert configured() == ()
    assert found().configuration == BARE
