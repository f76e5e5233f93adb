"""The recorded events on the new package, where they are not as they were."""

import shutil

import pytest

from tests.functional.project import events, write

FAILING = """
def handler(event, context):
    import reason
    raise ValueError(reason.WORDS)
"""


def test_an_event_that_was_changed_since_is_not_held_to_its_old_answer(project):
    project.probe("--invoke", "events")
    events(project.folder / "events", look={"do": "lazy"})
    shrunk = project.shrink()
    assert shrunk.code == 0
    assert "look.json" in shrunk.err


def test_what_failed_before_may_fail_as_it_did_but_not_otherwise(project):
    write(project.folder / "build", {"app.py": FAILING, "reason.py": "WORDS = 'no such order'\n"})
    project.probe("--invoke", "events")
    assert project.shrink("--plan").code == 0
    otherwise = project.shrink("--drop", "reason.py")
    assert otherwise.code == 5
    assert "failed otherwise on" in otherwise.err
    shrunk = project.shrink()
    assert shrunk.code == 0
    assert "never answers the same twice" not in shrunk.err


def test_events_that_cannot_be_sent_again_are_said_before_anything_is_changed(project):
    project.probe("--invoke", "events")
    armed = project.configuration()
    write(project.folder / "events", {"bad.json": "{"})
    assert project.shrink().code == 2
    assert project.configuration() == armed


@pytest.mark.parametrize("only", [["--plan"], []])
def test_a_whitelist_that_was_only_planned_or_taken_back_slims_no_fresh_build(project, only):
    project.probe("--invoke", "events")
    project.shrink()
    assert project.shrink("--drop", "lazy.py", *only).code == (0 if only else 5)
    shutil.rmtree(project.folder / "events")
    assert project.ldeploy("deploy", "f", "--package", "build").code == 0
    assert "lazy.py" in project.deployed()


def test_an_event_whose_answer_is_lost_is_not_sent_again(project):
    assert project.probe().code == 0
    project.cloud.aws.faults.forget()
    project.cloud.aws.faults.order("lambda.Invoke", "lose_answer", times=1)
    lost = project.probe("--invoke", "events")
    assert lost.code == 1
    assert project.cloud.aws.faults.journal.count("lambda.Invoke") == 1


def test_an_event_that_was_throttled_is_sent_again(project):
    project.cloud.aws.faults.order("lambda.Invoke", "throttle", times=2)
    assert project.probe("--invoke", "events").code == 0
    assert project.cloud.aws.faults.journal.count("lambda.Invoke") == 3 + 2
