"""``ldeploy invoke`` and ``probe --invoke``: answers, durations, cold or warm, and fresh sandboxes by force."""

import pytest

from tests.functional.project import FILES, events


@pytest.fixture
def present(project):
    """With a function that is there already, and has a variable of its own."""
    project.cloud.create("f", FILES, Environment={"Variables": {"OWN": "1"}})
    project.cloud.aws.faults.forget()
    return project


def invoked(project, *arguments):
    return project.ldeploy("invoke", "f", "events", *arguments, "--output", "json")


def test_each_event_is_answered_and_only_the_first_is_cold(present):
    done = invoked(present)
    assert (done.code, done.json["answers"], done.json["failed"]) == (0, 3, 0)
    answers = {one["event"]: one["answer"] for one in done.json["events"]}
    assert answers == {"lazy.json": '"lazy"', "look.json": "true", "open.json": '"opened"'}
    assert [one["cold"] for one in done.json["events"]] == [True, False, False]
    assert all(one["duration_ms"] > 0 for one in done.json["events"])
    assert present.changes() == []


def test_cold_forces_fresh_sandboxes_and_leaves_the_function_as_it_was(present):
    before = present.configuration()
    done = invoked(present, "--cold", "2", "--yes")
    assert [one["cold"] for one in done.json["events"]] == [True, False, False] * 2
    assert present.configuration() == before


def test_cold_is_not_done_unasked_where_nobody_can_be_asked(present):
    done = invoked(present, "--cold", "2")
    assert (done.code, "--yes" in done.err, present.changes()) == (2, True, [])


def test_what_somebody_else_changes_meanwhile_stays(present):
    present.cloud.aws.faults.order("lambda.Invoke", "deny", times=9, skip=4)
    assert invoked(present, "--cold", "2", "--yes").code == 1
    assert present.configuration()["Environment"] == {"Variables": {"OWN": "1"}}


def test_a_failing_event_is_shown_with_its_error_and_log_and_all_failing_is_exit_1(present):
    events(present.folder / "events", broken={"do": "fail"})
    done = present.ldeploy("invoke", "f", "events")
    assert done.code == 0
    assert "failed: ValueError: as asked" in done.out
    assert 'raise ValueError("as asked")' in done.out
    for name in ("open", "lazy", "look"):
        (present.folder / f"events/{name}.json").unlink()
    done = present.ldeploy("invoke", "f", "events")
    assert (done.code, "f failed on the one event" in done.err) == (1, True)


def test_a_probe_shows_failures_and_forces_fresh_sandboxes(project):
    events(project.folder / "events", broken={"do": "fail"})
    done = project.probe("--invoke", "events", "--cold", "3")
    assert (done.code, done.json["answers"], done.json["failed"]) == (0, 12, 3)
    assert {one["answer"] for one in done.json["events"]} == {""}
    assert "LDEPLOY_COLD" not in project.configuration()["Environment"]["Variables"]
    assert project.ldeploy("status", "f", "--output", "json").json["sandboxes"] == 3
    shrunk = project.shrink()
    assert (shrunk.code, shrunk.json["state"]) == (0, "deployed"), shrunk.err
    assert project.ldeploy("restore", "f").code == 0


def test_a_probe_whose_events_all_fail_is_exit_1_with_the_error(project):
    for name in ("open", "lazy", "look"):
        (project.folder / f"events/{name}.json").unlink()
    events(project.folder / "events", broken={"do": "fail"})
    done = project.probe("--invoke", "events")
    assert (done.code, done.json["error"]["code"]) == (1, 1)
    assert done.json["events"][0]["error_type"] == "ValueError"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("f",), "EVENTS_DIR"), (("f", "nowhere"), "no folder nowhere"), (("f", "build"), "no *.json")],
)
def test_what_is_wrong_is_said(present, arguments, said):
    done = present.ldeploy("invoke", *arguments)
    assert (done.code, said in done.err) == (2, True), done.err
