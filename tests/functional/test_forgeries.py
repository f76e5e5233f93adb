"""What somebody else writes where ldeploy reads: nothing of it runs, and nobody else's ``status`` is stopped by it."""

import json
from itertools import product

import pytest

from deployer.models.function import function_key
from tests.functional.project import FILES, write

RECORDS = (
    '{"record":"ldeploy/2"}',
    '{"record":"ldeploy/2","package":"',
    '{"record":"ldeploy/2","package":"0","sandbox":7,"touched":{"opened":["../../etc/passwd"]}}',
    'ldeploy/2 {"package": "0", "paths": 7}',
    "ldeploy/2 " + "[" * 5000,
    "ldeploy/2 0123 ../../etc/passwd",
    "ldeploy/2",
    "ldeploy/2 \x00\ufffd " + "9" * 400,
    "ldeploy/99 {}",
)
DOCUMENTS = ("", "{", "[]", "7", '{"version": 99}', '{"version": 1}', '{"version": 1, "function": []}', "\x00" * 9)
KEPT = ("state.json", "report.json", "deployed-whitelist.json", "outcomes.json", "evidence.json", "lease")


@pytest.fixture
def two(project):
    """Two functions that were probed and shrunk in one bucket."""
    for name in ("f", "g"):
        project.cloud.create(name, FILES)
        assert project.ldeploy("probe", name, "--package", "build", "--bucket", "packages").code == 0
        project.cloud.invoke(name)
        assert project.ldeploy("shrink", name).code == 0
    return project


def status(project, name):
    done = project.ldeploy("status", name, "--bucket", "packages", "--output", "json")
    assert "internal error" not in done.out + done.err
    return done


def test_lines_that_others_write_into_the_log_count_for_nothing(project):
    project.probe("--invoke", "events")
    before = status(project, "f").json
    project.cloud.write_log("f", *RECORDS)
    after = status(project, "f")
    assert after.code == 0, after.err
    assert after.json["coverage"] == before["coverage"]
    planned = project.shrink("--plan")
    assert planned.code == 0, planned.err
    assert "passwd" not in (project.folder / ".ldeploy/f/whitelist.json").read_text()


def test_what_others_put_in_the_place_of_one_function_s_files_stops_no_other_function(two):
    for name, text in product(KEPT, DOCUMENTS):
        two.cloud.storage.put_object(Bucket="packages", Key=function_key("f", name), Body=text.encode())
        told = status(two, "f")
        assert told.code in {0, 1}, told.err
        assert status(two, "g").code == 0
    assert two.ldeploy("restore", "g").code == 0


def test_no_program_that_a_whitelist_names_is_run(project):
    project.probe("--invoke", "events")
    assert project.shrink("--plan").code == 0
    whitelist = json.loads((project.folder / ".ldeploy/f/whitelist.json").read_text())
    tool = write(project.folder, {"tool.sh": "#!/bin/sh\ntouch ran\n"}) / "tool.sh"
    tool.chmod(0o755)
    for runtime in ("./tool.sh", "python--x", "python3.11; touch ran", "../python3.11"):
        (project.folder / "forged.json").write_text(json.dumps({**whitelist, "runtime": runtime}))
        applied = project.ldeploy("apply", "forged.json", "build")
        assert not (project.folder / "ran").exists()
        assert applied.code in {1, 2}, applied.err
        assert "internal error" not in applied.err
