"""A new package is tried before traffic sees it: on a function made for it, or on a version before its alias moves."""

import pytest

from tests.functional.project import FILES, events

TRIAL = "f-ldeploy-trial"


def names(project):
    """The functions in the account."""
    return {one["FunctionName"] for one in project.cloud.functions.list_functions()["Functions"]}


def updates(project):
    """What was done to the real function, and to the one for the trial, in order."""
    kinds = ("lambda.Create", "lambda.Update", "lambda.Publish", "lambda.Delete", "lambda.Invoke")
    return [name.removeprefix("lambda.") for name in project.cloud.aws.faults.journal if name.startswith(kinds)]


def test_the_recorded_events_run_before_the_function_changes(project):
    project.probe("--invoke", "events")
    project.cloud.aws.faults.forget()
    shrunk = project.shrink()
    assert shrunk.code == 0, shrunk.err
    done = updates(project)
    assert done[:5] == ["CreateFunction", "Invoke", "Invoke", "Invoke", "DeleteFunction"]
    assert "UpdateFunctionCode" in done[5:]
    assert names(project) == {"f"}


def test_a_package_that_fails_its_trial_never_serves(project):
    project.probe("--invoke", "events")
    before = project.configuration()
    project.cloud.aws.faults.forget()
    failed = project.shrink("--drop", "lazy.py")
    assert failed.code == 5
    assert not [name for name in updates(project) if name.startswith(("Update", "Publish"))]
    assert (project.configuration(), names(project)) == (before, {"f"})
    assert project.ldeploy("status", "f", "--output", "json").json["state"] == "probed"


def test_a_trial_function_that_a_killed_run_left_goes_with_the_next(project):
    project.probe("--invoke", "events")
    project.cloud.create(TRIAL, FILES, Description="ldeploy trial of f: it may be deleted")
    assert project.shrink().code == 0
    assert names(project) == {"f"}


def test_a_function_of_that_name_that_is_not_ours_is_left_alone(project):
    project.probe("--invoke", "events")
    project.cloud.create(TRIAL, FILES)
    refused = project.shrink()
    assert refused.code == 1
    assert TRIAL in refused.err
    assert TRIAL in names(project)


def test_who_may_create_no_function_is_told_before_anything_changes(project):
    project.probe("--invoke", "events")
    before = project.configuration()
    project.cloud.aws.faults.order("lambda.CreateFunction", "deny", times=9)
    denied = project.shrink()
    assert (denied.code, project.configuration()) == (1, before)
    assert "lambda:CreateFunction" in denied.err
    assert "--trial after" in denied.err
    assert project.shrink("--trial", "after").code == 0


@pytest.mark.parametrize("option", [(), ("--alias", "live")])
def test_an_alias_moves_when_the_version_has_passed_its_trial(project, option):
    project.probe("--invoke", "events")
    project.cloud.functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    failed = project.shrink("--drop", "lazy.py", *option)
    assert failed.code == 5
    assert leads_to(project) == "1"
    shrunk = project.shrink(*option)
    assert shrunk.code == 0, shrunk.err
    assert leads_to(project) == shrunk.json["version"]
    assert "unused.py" not in project.deployed()
    assert project.ldeploy("restore", "f").code == 0
    assert leads_to(project) == "1"


def leads_to(project):
    """The version that the alias leads to."""
    return project.cloud.functions.get_alias(FunctionName="f", Name="live")["FunctionVersion"]


def test_an_alias_that_is_being_shifted_is_not_touched(project):
    project.probe("--invoke", "events")
    project.cloud.functions.publish_version(FunctionName="f")
    project.cloud.functions.create_alias(
        FunctionName="f",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    refused = project.shrink()
    assert refused.code == 1
    assert "being shifted" in refused.err


def test_an_event_that_somebody_changed_is_said(project):
    project.probe("--invoke", "events")
    events(project.folder / "events", look={"do": "lazy"})
    shrunk = project.shrink()
    assert (shrunk.code, "look.json was changed" in shrunk.err) == (0, True)
