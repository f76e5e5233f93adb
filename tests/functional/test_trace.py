"""``ldeploy trace``: evidence, whitelist and slim zip on this machine, and nothing is asked of AWS."""

import json
import subprocess
import sys
import zipfile
from typing import Any, cast

import pytest

from tests.functional.project import FILES, Project, events, write

LDEPLOY = ("trace", "--package", "build", "--handler", "app.handler", "--events", "events")
WITHOUT = """
import sys
for name in sys.argv[1].split():
    sys.modules[name] = None
sys.argv = ["ldeploy", *sys.argv[2:]]
from deployer.cli import main
main()
"""


@pytest.fixture
def alone(tmp_path, monkeypatch, capsys):
    """A user in a folder, without region, credentials or an AWS."""
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "build", FILES)
    events(tmp_path / "events", open={}, lazy={"do": "lazy"}, look={"do": "look"})
    return Project(cast(Any, None), tmp_path, capsys)


def names(path):
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if not name.endswith(("/", ".pyc"))}


def test_what_the_events_touch_is_in_the_zip_and_the_answers_are_the_same(alone):
    done = alone.unattended(*LDEPLOY, "--zip", "out/slim.zip", "--cold", "2", "--output", "json")
    assert (done.code, done.json["state"], done.json["sandboxes"], done.json["invocations"]) == (0, "traced", 2, 6)
    assert names("out/slim.zip") == set(FILES) - {"unused.py", "data/never.bin"}
    assert done.json["after"]["init_ms"] > 0
    assert (alone.folder / done.json["artifacts"]["page"]).read_text().count("ldeploy restore") == 0
    whitelist = json.loads((alone.folder / done.json["artifacts"]["whitelist"]).read_text())
    assert whitelist["decisions"]["data/looked_at.txt"]["reason"] == "looked at"


def test_its_whitelist_makes_a_fresh_build_slim(alone):
    assert alone.unattended(*LDEPLOY, "--zip", "slim.zip", "--export", "ldeploy.json").code == 0
    done = alone.unattended("apply", "ldeploy.json", "build", "--output", "json")
    assert (done.code, done.json["state"]) == (0, "applied"), done.err
    assert not (alone.folder / "build/unused.py").exists()
    assert (alone.folder / "build/lazy.py").exists()


def test_why_and_the_report_need_no_aws_after_a_trace(alone):
    assert alone.unattended(*LDEPLOY).code == 0
    dropped = alone.unattended("why", "trace", "unused.py")
    assert (dropped.code, "ldeploy trace ... --keep /unused.py" in dropped.out) == (0, True), dropped.err + dropped.out
    kept = alone.unattended("why", "trace", "lazy", "--output", "json")
    assert (kept.code, kept.json["state"], kept.json["files"][0]["kept"]) == (0, "traced", True)
    again = alone.unattended("report", "trace", "--html", "page.html", "--markdown")
    assert (again.code, "trace" in again.out) == (0, True), again.err
    page = (alone.folder / "page.html").read_text()
    assert 'data-again="ldeploy trace ..."' in page
    assert alone.unattended("why", "other", "lazy").code == 2  # of a function in AWS: no region is set


def test_a_guarded_zip_says_what_the_template_must_have(alone):
    done = alone.unattended(*LDEPLOY, "--guard", "inside")
    assert done.code == 0
    assert "AWS_LAMBDA_EXEC_WRAPPER: /var/task/.ldeploy/start" in done.out
    assert ".ldeploy/guard.idx" in names(".ldeploy/trace/slim.zip")


def test_an_event_that_fails_is_shown_and_if_all_fail_it_is_an_error(alone):
    events(alone.folder / "events", broken={"do": "fail"})
    done = alone.unattended(*LDEPLOY)
    assert done.code == 0
    assert "failed: ValueError: as asked" in done.out
    for name in ("open", "lazy", "look"):
        (alone.folder / f"events/{name}.json").unlink()
    done = alone.unattended(*LDEPLOY)
    assert done.code == 1
    assert "ValueError: as asked" in done.err
    assert 'raise ValueError("as asked")' in done.err


def test_a_function_that_is_not_the_same_without_the_dropped_file_fails_its_trial(alone):
    done = alone.unattended(*LDEPLOY, "--drop", "lazy.py", "--zip", "slim.zip")
    assert (done.code, "failed on lazy.json" in done.err) == (5, True), done.err
    assert not (alone.folder / "slim.zip").exists()


def test_what_the_function_asks_of_aws_fails_and_goes_nowhere(alone):
    app = "import os\n\ndef handler(event, context):\n"
    app += "    raise ValueError(os.environ['AWS_ENDPOINT_URL'], os.environ['OWN'])\n"
    write(alone.folder / "build", {"app.py": app})
    done = alone.unattended(*LDEPLOY, "--env", "OWN=1")
    assert (done.code, "('http://127.0.0.1:9', '1')" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--handler", "gone.handler"), 1, "gone.handler is not in the package"),
        (("--package", "nowhere"), 2, "There is no folder or zip nowhere"),
        (("--events", "nowhere"), 2, "There is no folder nowhere"),
        (("--runtime", "python3.8"), 2, "needs ldeploy under Python 3.8"),
        (("--env", "OWN"), 2, "--env OWN has no value"),
        (("--guard", "s3"), 2, "Give --guard inside"),
    ],
)
def test_what_is_wrong_is_said(alone, arguments, code, said):
    done = alone.unattended(*LDEPLOY, *arguments)
    assert (done.code, said in done.err) == (code, True), done.err


def test_without_the_extra_it_says_what_to_install(alone):
    command = [sys.executable, "-c", WITHOUT, "moto awslambdaric psutil", *LDEPLOY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'ldeploy[local]'" in done.stderr
