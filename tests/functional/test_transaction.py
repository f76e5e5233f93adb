"""Nothing unchecked goes live, nobody else's change is lost, and restore leads to exactly what was there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.commands import options
from tests.functional.project import FILES, events, killed, write
from tests.zips import packed

SECRET = "s3cret-value"


@pytest.fixture
def meanwhile(monkeypatch):
    """Something that happens right after a step of a kind, once."""

    def arrange(kind, action):
        todo = [action]

        class Interrupted(options.Common):
            def executor(self):
                return replace(super().executor(), after=after)

        def after(step):
            if type(step).__name__ == kind and todo:
                todo.pop()()

        monkeypatch.setattr(options, "Common", Interrupted)

    return arrange


@pytest.fixture
def present(project):
    """A function that was there before ldeploy, with a secret in its environment."""
    settings = {"Environment": {"Variables": {"TOKEN": SECRET, "MODE": "a"}}, "MemorySize": 256}
    project.cloud.create("f", FILES, **settings)
    project.cloud.aws.faults.forget()
    return project


def probe(project, *arguments):
    done = project.ldeploy("probe", "f", "--package", "build", "--bucket", "packages", "--yes", *arguments)
    assert done.code == 0, done.err
    return done


def change(project, **settings):
    """Somebody else changes the configuration."""
    project.cloud.functions.update_function_configuration(FunctionName="f", **settings)
    project.cloud.settle("f")


def code(project):
    return project.configuration()["CodeSha256"]


def forge(project, uri):
    """Put other bytes of the same size at an object's place."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    size = project.cloud.storage.head_object(Bucket=bucket, Key=key)["ContentLength"]
    forged = packed({"app.py": "def handler(event, context): return 'forged'\n"})
    project.cloud.storage.put_object(Bucket=bucket, Key=key, Body=forged + b"\0" * (size - len(forged)))


def stored(project, sha256):
    return f"s3://packages/ldeploy/functions/f/{sha256}.zip"


# -- bytes are checked before they go live -----------------------------------------------------------------------


def test_forged_bytes_at_the_place_of_the_slim_zip_are_never_deployed(project, meanwhile):
    project.probe("--invoke", "events")
    planned = project.shrink("--plan").json
    uri = planned["artifacts"]["s3_uri"]
    project.cloud.storage.put_object(
        Bucket="packages", Key=uri.split("/", 3)[3], Body=b"0" * planned["after"]["zip_bytes"]
    )
    shrunk = project.shrink()
    assert shrunk.code == 0, shrunk.err
    assert project.cloud.invoke("f").value == "opened"


def test_forged_bytes_at_the_place_of_the_code_before_are_never_deployed(present):
    before = code(present)
    probe(present)
    present.cloud.invoke("f")
    sha256 = json.loads(Path(".ldeploy/f/state.json").read_text())["before_code"]["sha256"]
    forge(present, stored(present, sha256))
    restored = present.ldeploy("restore", "f", "--yes")
    assert restored.code == 0, restored.err
    assert "it is taken from version 1" in restored.err
    assert code(present) == before


def test_what_is_nowhere_any_more_is_said_and_nothing_is_deployed(present):
    probe(present)
    deployed = code(present)
    sha256 = json.loads(Path(".ldeploy/f/state.json").read_text())["before_code"]["sha256"]
    present.cloud.storage.delete_object(Bucket="packages", Key=stored(present, sha256).split("/", 3)[3])
    present.cloud.functions.delete_function(FunctionName="f", Qualifier="1")
    restored = present.ldeploy("restore", "f", "--yes")
    assert (restored.code, code(present)) == (1, deployed)
    assert "no version of f holds that code" in restored.err


def test_a_package_in_s3_that_is_replaced_between_index_and_deployment_is_refused(present, meanwhile):
    build = packed({**FILES, "more.py": "MORE = 1\n"})
    present.cloud.storage.put_object(Bucket="packages", Key="build.zip", Body=build)
    before = code(present)
    meanwhile("SaveState", lambda: forge(present, "s3://packages/build.zip"))
    refused = present.ldeploy("probe", "f", "--package", "s3://packages/build.zip", "--yes")
    assert (refused.code, code(present)) == (1, before)
    assert "removed or replaced" in refused.err


# -- a trial that fails, or cannot be made, takes back; not over somebody else's change --------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["deny", "throttle", "lose_answer"])
def test_a_trial_that_cannot_be_made_leaves_the_package_before(project, kind, when):
    project.probe("--invoke", "events")
    before = project.configuration()
    project.cloud.aws.faults.order("lambda.Invoke", kind, times=99)
    shrunk = project.shrink("--trial", when)
    assert shrunk.code == 5, shrunk.err
    assert project.configuration() == before
    assert project.ldeploy("status", "f", "--output", "json").json["state"] == "probed"


def test_what_somebody_else_deploys_during_the_trial_stays(project, meanwhile):
    project.probe("--invoke", "events")
    events(project.folder / "events", lazy={"do": "lazy"})

    def deploy():
        project.cloud.functions.update_function_code(FunctionName="f", ZipFile=packed({"app.py": "theirs = 1\n"}))
        project.cloud.settle("f")

    meanwhile("PublishVersion", deploy)
    shrunk = project.shrink("--drop", "lazy.py", "--trial", "after")
    assert shrunk.code == 1, shrunk.err
    assert "theirs stays" in shrunk.err
    assert project.deployed() == {"app.py"}


# -- what was before stays ---------------------------------------------------------------------------------------


def test_deploy_run_twice_leads_back_to_what_was_before_both(present):
    before = present.configuration()
    probe(present)
    present.cloud.invoke("f")
    assert present.ldeploy("shrink", "f", "--from-logs", "--yes").code == 0
    for _ in range(2):
        assert present.ldeploy("deploy", "f", "--package", "build", "--yes").code == 0
    write(present.folder / "build", {"newer.py": "NEWER = 1\n"})
    assert present.ldeploy("deploy", "f", "--package", "build", "--yes").code == 0
    assert present.ldeploy("restore", "f", "--yes").code == 0
    assert present.configuration() == before


def test_a_second_probe_from_elsewhere_does_not_take_the_first_ones_memory_as_before(present, monkeypatch):
    probe(present, "--memory", "1024")
    other = present.folder / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    present.cloud.storage.create_bucket(Bucket="others")
    refused = present.ldeploy("probe", "f", "--bucket", "others", "--yes")
    assert refused.code == 1
    assert "from another folder and bucket" in refused.err
    assert probe_from(present, "packages").code == 0
    assert present.ldeploy("restore", "f", "--bucket", "packages", "--yes").code == 0
    assert present.configuration()["MemorySize"] == 256


def probe_from(project, bucket):
    return project.ldeploy("probe", "f", "--bucket", bucket, "--yes")


# -- what others changed is taken over; what both changed is asked -----------------------------------------------


def test_a_secret_that_was_rotated_since_stays_rotated(present):
    probe(present, "--memory", "1024")
    environment = present.configuration()["Environment"]["Variables"]
    change(present, Environment={"Variables": {**environment, "TOKEN": "rotated", "NEW": "1"}})
    restored = present.ldeploy("restore", "f", "--yes")
    assert restored.code == 0, restored.err
    assert "environment.TOKEN" in restored.err
    assert SECRET not in restored.err + restored.out
    found = present.configuration()
    assert found["Environment"]["Variables"] == {"TOKEN": "rotated", "MODE": "a", "NEW": "1"}
    assert found["MemorySize"] == 256


def test_a_change_before_shrink_outlives_restore(present):
    probe(present, "--memory", "1024")
    present.cloud.invoke("f")
    environment = present.configuration()["Environment"]["Variables"]
    change(present, Environment={"Variables": {**environment, "TOKEN": "rotated"}})
    assert present.ldeploy("shrink", "f", "--from-logs", "--yes").code == 0
    assert present.ldeploy("restore", "f", "--yes").code == 0
    found = present.configuration()
    assert (found["Environment"]["Variables"]["TOKEN"], found["MemorySize"]) == ("rotated", 256)


def test_what_both_changed_is_not_decided_unasked(present):
    probe(present, "--memory", "1024")
    change(present, MemorySize=3008)
    refused = present.ldeploy("restore", "f", "--yes")
    assert (refused.code, "memory" in refused.err) == (1, True)
    assert present.configuration()["MemorySize"] == 3008
    assert present.ldeploy("restore", "f", "--yes", "--force").code == 0
    assert present.configuration()["MemorySize"] == 256


def test_a_state_in_the_bucket_that_is_not_the_one_written_here_is_shown(present):
    probe(present)
    key = "ldeploy/functions/f/state.json"
    state = json.loads(present.cloud.storage.get_object(Bucket="packages", Key=key)["Body"].read())
    state["before"]["environment"]["TOKEN"] = "forged"
    present.cloud.storage.put_object(Bucket="packages", Key=key, Body=json.dumps(state))
    planned = present.ldeploy("restore", "f", "--plan")
    assert "before.environment.TOKEN differ" in planned.err
    assert "forged" not in planned.err


# -- no value stays on this machine ------------------------------------------------------------------------------


def test_no_value_of_the_environment_is_on_this_machine(present):
    probe(present, "--invoke", "events")
    assert present.ldeploy("shrink", "f", "--from-logs", "--yes").code == 0
    kept = [path for path in Path(".ldeploy").rglob("*") if path.is_file()]
    assert Path(".ldeploy/f/state.json") in kept
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]
    assert "TOKEN" in Path(".ldeploy/f/state.json").read_text()


def test_restore_works_where_nothing_can_be_written_here(present, monkeypatch):
    before = present.configuration()
    probe(present)
    other = present.folder / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    (other / ".ldeploy").write_text("a file where the folder would be")
    restored = present.ldeploy("restore", "f", "--bucket", "packages", "--yes")
    assert restored.code == 0, restored.err
    assert present.configuration() == before


STATE = {".ldeploy/.gitignore": "", ".ldeploy/f/state.json": "{}"}


def test_the_state_of_ldeploy_in_the_present_code_is_left_out_with_a_warning(project):
    project.cloud.create("f", {**FILES, **STATE})
    probed = project.ldeploy("probe", "f", "--bucket", "packages", "--invoke", "events")
    assert (probed.code, "The code of f holds the folder .ldeploy" in probed.err) == (0, True)
    assert project.shrink("--keep", "*").code == 0
    assert not [path for path in project.deployed() if "state" in path or "gitignore" in path]


def test_the_state_of_ldeploy_in_a_folder_is_never_deployed(project):
    write(project.folder / "build", STATE)
    probed = project.probe()
    assert (probed.code, "is left out" in probed.err) == (0, True)
    assert project.deployed() == set(FILES)


@pytest.mark.parametrize("step", range(1, 6))
def test_a_deployment_that_was_killed_can_be_run_again_and_undone(present, step):
    before = present.configuration()
    probe(present)
    present.cloud.invoke("f")
    assert present.shrink().code == 0
    write(present.folder / "build", {"newer.py": "NEWER = 1\n"})
    assert killed(present, step, ("deploy", "f", "--package", "build", "--yes"))
    assert present.ldeploy("deploy", "f", "--package", "build").code == 0
    assert present.ldeploy("restore", "f").code == 0
    assert present.configuration() == before


def test_what_ldeploy_did_from_another_machine_is_no_other_way_back(present, monkeypatch):
    before = present.configuration()
    probe(present)
    present.cloud.invoke("f")
    other = present.folder / "other"
    other.mkdir()
    with monkeypatch.context() as there:
        there.chdir(other)
        assert present.ldeploy("shrink", "f", "--bucket", "packages", "--yes").code == 0
    restored = present.ldeploy("restore", "f", "--yes")
    assert restored.code == 0, restored.err
    assert present.configuration() == before
