"""After a shrink something is asked for that was dropped: status says what, and the command that it gives mends it."""

import shlex
import shutil

import pytest

from tests.functional.project import events


@pytest.fixture
def shrunk(project):
    """A function that was shrunk by events that never ask for ``lazy``."""
    events(project.folder / "sent", plain={}, look={"do": "look"})
    assert project.probe("--invoke", "sent").code == 0
    done = project.shrink()
    assert done.code == 0
    return project, done.json


def status(project, *options):
    """What ``status`` says, as JSON."""
    return project.ldeploy("status", "f", *options, "--output", "json").json


def test_status_names_what_is_missing_and_the_command_mends_it(shrunk):
    project, _ = shrunk
    assert project.cloud.invoke("f").value == "opened"
    assert project.cloud.invoke("f", {"do": "lazy"}).error == "Unhandled"
    since = status(project)["after_shrink"]
    log = since["log"]
    assert (log["invocations"], log["errors"], log["timeouts"]) == (2, 1, 0)
    assert log["misses"] == [{"path": "lazy.py", "times": 1, "served": False}]
    assert log["init_ms"] > 0
    text = project.ldeploy("status", "f").out
    assert "missing   lazy.py (not there, 1 time)" in text
    assert f"fix       {since['mend']}" in text
    assert "way back  ldeploy restore f" in text
    assert project.ldeploy(*shlex.split(since["mend"])[1:], "--yes").code == 0
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    healthy = status(project)["after_shrink"]
    assert (healthy["log"]["misses"], healthy["mend"]) == ([], "")


def test_the_rules_of_the_last_shrink_stay_in_the_command(project):
    project.probe()
    project.cloud.invoke("f")
    assert project.shrink("--keep", "unu*.py").code == 0
    project.cloud.invoke("f", {"do": "lazy"})
    assert status(project)["after_shrink"]["mend"] == "ldeploy shrink f --keep 'unu*.py' --keep /lazy.py"


def test_an_error_that_names_nothing_dropped_is_no_miss(shrunk):
    project, _ = shrunk
    project.cloud.invoke("f", {"do": "fail"})
    project.cloud.write_log("f", "2026-11-25T10:00:00.000Z 8f5-1 Task timed out after 3.00 seconds")
    since = status(project)["after_shrink"]
    assert (since["log"]["errors"], since["log"]["timeouts"], since["log"]["misses"]) == (1, 1, [])
    assert "No error names a file that was dropped" in project.ldeploy("status", "f").out


def test_status_works_from_another_machine(shrunk):
    project, _ = shrunk
    project.cloud.invoke("f", {"do": "lazy"})
    shutil.rmtree(project.folder / ".ldeploy")
    since = status(project, "--bucket", "packages")["after_shrink"]
    assert since["mend"] == "ldeploy shrink f --keep /lazy.py"


def test_before_a_shrink_there_is_nothing_since(project):
    project.probe()
    assert status(project)["after_shrink"] is None


def test_the_cold_starts_before_and_after_come_from_the_log(shrunk):
    _, report = shrunk
    assert report["before"]["init_ms"] > 0
    assert report["after"]["init_ms"] > 0


def test_without_a_trial_the_start_after_is_known_when_traffic_came(project):
    project.probe()
    project.cloud.invoke("f")
    report = project.shrink().json
    assert report["before"]["init_ms"] > 0
    assert "init_ms" not in report["after"]
    project.cloud.invoke("f")
    assert project.ldeploy("report", "f", "--html", "page.html").code == 0
    assert "not known yet" in (project.folder / ".ldeploy/f/page.html").read_text()
    assert "not known yet" not in (project.folder / "page.html").read_text()


def test_shrink_leaves_a_page_and_report_makes_one_with_what_happened_since(shrunk):
    project, report = shrunk
    left = (project.folder / report["artifacts"]["page"]).read_text()
    assert "<code>ldeploy shrink f</code>" in left
    project.cloud.invoke("f", {"do": "lazy"})
    shutil.rmtree(project.folder / ".ldeploy")
    done = project.ldeploy("report", "f", "--bucket", "packages", "--html", "page.html", "--markdown")
    assert "| unzipped |" in done.out
    assert "missing: lazy.py" in done.out
    assert "<code>lazy.py</code>: asked for and not there" in (project.folder / "page.html").read_text()
    comment = project.ldeploy("report", "f", "--bucket", "packages", "--markdown", "--output", "json").json
    assert comment["markdown"].partition("<sub>")[0] == done.out.partition("<sub>")[0]


def test_text_fits_80_columns_and_files_are_counted_one_way(shrunk):
    project, report = shrunk
    kept = sum(reason["files"] for reason in report["reasons"] if reason["kept"])
    dropped = sum(reason["files"] for reason in report["reasons"] if not reason["kept"])
    whitelist = next(step for step in report["steps"] if step["name"] == "whitelist")
    assert kept + dropped == report["before"]["files"] == len(list_files(project.folder / "build"))
    assert whitelist["files"] == dropped
    lines = project.ldeploy("report", "f").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("1 file " in line for line in lines)


def list_files(folder):
    """The files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_why_tells_the_evidence_of_each_file_from_another_machine(shrunk):
    project, _ = shrunk
    shutil.rmtree(project.folder / ".ldeploy")
    report = project.ldeploy("why", "f", "data/opened.txt", "--bucket", "packages", "--output", "json").json
    (one,) = report["files"]
    assert (one["kept"], one["reason"], one["sandboxes"], one["phase"]) == (True, "opened", 1, "invoke")
    assert one["request"]
    said = project.ldeploy("why", "f", "lazy", "--bucket", "packages")
    assert said.code == 0
    assert "reason    never touched: no invocation in 1 sandbox" in said.out
    assert "change    ldeploy shrink f --keep /lazy.py" in said.out


def test_why_of_what_is_not_there_or_was_never_shrunk(shrunk):
    project, _ = shrunk
    said = project.ldeploy("why", "f", "lazi")
    assert (said.code, "Did you mean lazy" in said.err) == (2, True)
    shutil.rmtree(project.folder / ".ldeploy")
    said = project.ldeploy("why", "f", "lazy")
    assert (said.code, "Run ldeploy shrink first" in said.err) == (1, True)
