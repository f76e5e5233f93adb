"""The recorded events on the new package, where they are not as they were."""

import json
import shutil
from pathlib import Path

import pytest

from tests.functional.project import CREATE, events, write

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


def test_a_wrong_handler_is_said_before_and_ends_the_command_with_lambdas_error(project):
    create = [*CREATE, "--handler", "app.nobody"]
    package = ("--package", "build", "--bucket", "packages")
    probed = project.ldeploy("probe", "f", *package, *create, "--invoke", "events")
    assert probed.code == 1
    assert "The module app of the package has no nobody" in probed.err.partition("publish")[0]
    assert "failed on every event" in probed.err
    assert "Runtime.HandlerNotFound" in probed.out
    assert project.ldeploy("restore", "f").code == 0


STAMPED = """
import os, time, uuid
HERE = os.path.dirname(os.path.abspath(__file__))

def handler(event, context):
    there = os.path.exists(os.path.join(HERE, "slow.txt"))
    time.sleep(0 if there else event.get("sleep", 0))
    return {"id": str(uuid.uuid4()), "rows": [{"there": there or "sleep" in event}, "same"]}
"""


@pytest.fixture
def stamped(project):
    """A probed function whose answers differ each time in one place, and without one file in another."""
    write(project.folder / "build", {"app.py": STAMPED, "slow.txt": "slow"})
    events(project.folder / "stamped", stamp={})
    events(project.folder / "sleeping", sleep={"sleep": 2})
    return project


def test_what_is_not_the_same_twice_is_learned_and_the_rest_compared(stamped):
    stamped.probe("--invoke", "stamped")
    shrunk = stamped.ldeploy("shrink", "f")
    assert shrunk.code == 0, shrunk.err
    assert "never answers the same twice on stamp.json at $.id: not compared there" in shrunk.err
    assert "1 event answered as by the full package with the probe; start" in shrunk.out
    assert " -> " in shrunk.out.partition("memory ")[2].splitlines()[0]


def test_an_answer_that_differs_elsewhere_fails_the_trial_unless_the_user_allows_it(stamped):
    stamped.probe("--invoke", "stamped")
    before = stamped.configuration()
    failed = stamped.shrink("--drop", "slow.txt", "--guard", "off")
    assert failed.code == 5
    assert "answered otherwise on stamp.json at $.rows[0].there;" in failed.err
    assert "--ignore '$.rows[0].there'" in failed.err
    assert stamped.configuration() == before
    assert stamped.shrink("--drop", "slow.txt", "--guard", "off", "--ignore", "$..there").code == 0
    assert stamped.shrink("--ignore", "$[").code == 2


def test_a_package_that_takes_longer_than_is_wanted_fails_the_trial(stamped):
    stamped.probe("--invoke", "sleeping")
    slower = stamped.shrink("--drop", "slow.txt", "--guard", "off", "--max-slower", "3")
    assert slower.code == 5
    assert "times as long as with the full one" in slower.err
    assert stamped.shrink("--drop", "slow.txt", "--guard", "off").json["trial"]["after"]["duration_ms"] > 2000


def test_no_answer_is_kept_and_no_shape_of_one_on_this_machine(stamped):
    stamped.probe("--invoke", "stamped")
    here = json.loads(Path(".ldeploy/f/state.json").read_text())
    there = stamped.cloud.storage.get_object(Bucket="packages", Key="ldeploy/functions/f/state.json")
    shape = json.loads(there["Body"].read())["answers"]["stamp.json"]["shape"]
    assert here["answers"]["stamp.json"]["shape"] is None
    assert set(shape) == {"id", "rows"}
    assert "same" not in json.dumps(shape)
