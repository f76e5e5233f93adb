"""A function that is shrunk with a guard: an event of another kind answers right, is told, and is kept next time."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deployer.instrumentation.configure import EXEC_WRAPPER
from deployer.instrumentation.layer_zip import START_WRAPPER
from probe_layer.guard.line import Line, decode
from tests.functional.local_aws import client
from tests.functional.project import Project, events

PATHS = {"lazy.py", "data/looked_at.txt"}
"""What the other kinds of event ask for."""


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture
def roles(project: Project) -> Iterator[Any]:
    """The account's roles: the function's may read nothing."""
    iam = client(project.cloud.aws, "iam")
    iam.create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(TRUST))
    yield iam
    iam.close()


def policies(roles: Any) -> list[str]:
    return list(roles.list_role_policies(RoleName="any")["PolicyNames"])


@pytest.fixture(params=["inside", "s3"])
def guarded(request, project: Project, roles: Any) -> tuple[Project, str]:
    """A function that was probed with one kind of event, and shrunk with a guard."""
    assert project.probe().code == 0
    assert project.cloud.invoke("f", {}).value == "opened"
    allow = ("--attach-policy",) if request.param == "s3" else ()
    shrunk = project.shrink("--yes", "--guard", request.param, *allow)
    assert shrunk.code == 0, shrunk.err
    assert shrunk.json["guard"]["mode"] == request.param
    assert shrunk.json["guard"]["files"] == 4
    assert not any("would break it" in warning for warning in shrunk.json["warnings"])
    assert "+ layer ldeploy-start" in shrunk.json["effect"]
    return project, request.param


def misses(project: Project) -> Iterator[Line]:
    return (line for message in project.cloud.messages("f") if (line := decode(message)))


def other_kinds(project: Project) -> list[Any]:
    return [project.cloud.invoke("f", {"do": kind}).value for kind in ("lazy", "look")]


def test_other_events_answer_right_and_are_kept_the_next_time(guarded: tuple[Project, str], roles: Any) -> None:
    project, mode = guarded
    assert project.cloud.invoke("f", {}).value == "opened"
    assert not list(misses(project))
    assert other_kinds(project) == ["lazy", True]
    assert {line.miss for line in misses(project)} == PATHS
    status = project.ldeploy("status", "f", "--output", "json").json
    assert {miss["path"] for miss in status["after_shrink"]["log"]["misses"] if miss["served"]} == PATHS
    assert "ldeploy shrink f" in project.ldeploy("status", "f").out
    again = project.shrink("--yes", "--guard", mode)
    assert again.code == 0, again.err
    assert project.deployed() >= PATHS
    assert policies(roles) == ["ldeploy-f-guard"] * (mode == "s3")
    asked = len(list(misses(project)))
    assert other_kinds(project) == ["lazy", True]
    assert len(list(misses(project))) == asked


def test_restore_leads_back_to_what_was_before(guarded: tuple[Project, str], roles: Any) -> None:
    project, mode = guarded
    assert project.configuration()["Environment"]["Variables"][EXEC_WRAPPER] == START_WRAPPER
    assert policies(roles) == ["ldeploy-f-guard"] * (mode == "s3")
    assert project.ldeploy("restore", "f", "--yes").code == 0
    assert EXEC_WRAPPER not in project.configuration().get("Environment", {}).get("Variables", {})
    assert not project.configuration().get("Layers")
    assert "unused.py" in project.deployed()
    assert policies(roles) == []


@pytest.mark.parametrize(("allow", "mode"), [((), "inside"), (("--attach-policy",), "s3")])
def test_auto_takes_what_it_may(project: Project, roles: Any, allow: tuple[str, ...], mode: str) -> None:
    project.probe()
    project.cloud.invoke("f", {})
    shrunk = project.shrink("--yes", "--guard", "auto", *allow).json
    assert "would cost" in project.ldeploy("report", "f").out
    assert shrunk["guard"]["mode"] == mode
    costs = {"inside": shrunk["guard"]["zip_added"], "s3": shrunk["guard"]["otherwise"]}
    if mode == "s3":
        costs = {"s3": costs["inside"], "inside": costs["s3"]}
    assert 0 < costs["s3"] < costs["inside"]


def test_s3_without_permission_is_refused_before_anything_changes(project: Project, roles: Any) -> None:
    project.probe()
    project.cloud.invoke("f", {})
    before = project.configuration()
    refused = project.shrink("--yes", "--guard", "s3")
    assert refused.code == 1
    assert "The guard would read what was dropped" in refused.json["error"]["what"]
    assert "--attach-policy" in refused.json["error"]["advice"]
    assert project.configuration() == before
    assert policies(roles) == []


def test_a_guarded_package_is_no_full_one(guarded: tuple[Project, str]) -> None:
    project, _ = guarded
    refused = project.ldeploy("probe", "f", "--yes", "--output", "json")
    assert refused.code == 1
    assert "was made by ldeploy" in refused.json["error"]["what"]


def test_what_a_drop_rule_takes_although_it_was_touched_does_not_come_back(project: Project) -> None:
    project.probe()
    project.cloud.invoke("f", {"do": "look"})
    shrunk = project.shrink("--yes", "--guard", "inside", "--drop", "data/looked_at.txt")
    assert shrunk.json["guard"]["files"] == 4
    assert project.cloud.invoke("f", {"do": "look"}).value is False
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"


@pytest.mark.parametrize("steps", [("--no-source", "--empty"), ("--no-trim", "--no-bytecode")])
def test_whatever_else_is_done_to_the_package_it_is_guarded(project: Project, steps: tuple[str, ...]) -> None:
    project.probe()
    assert project.cloud.invoke("f", {}).value == "opened"
    shrunk = project.shrink("--yes", "--guard", "inside", *steps)
    assert shrunk.code == 0, shrunk.err
    assert project.cloud.invoke("f", {}).value == "opened"
    assert other_kinds(project) == ["lazy", True]
    assert {line.miss for line in misses(project)} == PATHS


def test_what_is_rare_comes_back_when_it_is_asked_for(project: Project) -> None:
    events(project.folder / "usual", usual={})
    assert project.probe("--invoke", "usual", "--cold", "3").code == 0
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    refused = project.shrink("--rare", "50%", "--guard", "off")
    assert refused.code == 2
    assert "lazy.py" in refused.json["error"]["what"]
    assert "unused.py" in project.deployed()
    shrunk = project.shrink("--rare", "50%", "--guard", "inside", "--export", "ldeploy.json")
    assert shrunk.code == 0, shrunk.err
    assert any("hardly any sandbox touched them: 1 file" in warning for warning in shrunk.json["warnings"])
    assert "lazy.py" in project.ldeploy("why", "f", "lazy.py").out
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    assert {line.miss for line in misses(project)} == {"lazy.py"}
    alone = project.ldeploy("apply", "ldeploy.json", "build", "--zip", "slim.zip", "--output", "json")
    assert alone.code == 2
    inside = project.ldeploy("apply", "ldeploy.json", "build", "--zip", "slim.zip", "--guard", "inside")
    assert inside.code == 0, inside.err
