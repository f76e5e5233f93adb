"""Restore leads back from any state and any machine; where something is gone, the user chooses the nearest."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.functional.children import child
from tests.functional.project import FILES, Project, write
from tests.zips import packed

BEFORE = {"app.py": "def handler(event, context): return 'before'\n"}


@pytest.fixture
def layered(project: Project) -> Project:
    """Return a user whose function has a layer and a secret, and is probed with another package."""
    arns = [
        project.cloud.functions.publish_layer_version(LayerName="own", Content={"ZipFile": packed({"any.txt": text})})
        for text in ("first", "second")
    ]
    settings = {"Environment": {"Variables": {"TOKEN": "s3cret"}}, "Layers": [arns[0]["LayerVersionArn"]]}
    project.cloud.create("f", BEFORE, **settings)
    assert project.ldeploy("probe", "f", "--package", "build", "--bucket", "packages", "--memory", "512").code == 0
    return project


def restore(project, *arguments):
    return project.ldeploy("restore", "f", *arguments)


def code_before(project):
    return json.loads(Path(".ldeploy/f/state.json").read_text())["before_code"]


def lose_code(project):
    project.cloud.storage.delete_object(Bucket="packages", Key=code_before(project)["key"])
    project.cloud.functions.delete_function(FunctionName="f", Qualifier="1")


def lose_state(project):
    project.cloud.storage.delete_object(Bucket="packages", Key="ldeploy/functions/f/state.json")


def test_from_another_machine_with_nothing_but_the_bucket(layered):
    before = layered.cloud.functions.get_function_configuration(FunctionName="f", Qualifier="1")
    shutil.rmtree(".ldeploy")
    assert restore(layered, "--bucket", "packages").code == 0
    found = layered.configuration()
    assert {name: found[name] for name in ("CodeSha256", "MemorySize", "Environment")} == {
        name: before[name] for name in ("CodeSha256", "MemorySize", "Environment")
    }


def test_a_layer_version_that_was_deleted_is_told_and_the_newest_taken_if_wanted(layered):
    layered.cloud.functions.delete_layer_version(LayerName="own", VersionNumber=1)
    probed = layered.configuration()
    refused = restore(layered)
    assert refused.code == 1
    assert "layer:own:1 was deleted" in refused.err
    assert "--nearest" in refused.err
    assert layered.configuration() == probed
    assert restore(layered, "--nearest").code == 0
    assert [one["Arn"].split(":")[-2:] for one in layered.configuration()["Layers"]] == [["own", "2"]]
    assert layered.cloud.invoke("f").value == "before"


def test_where_the_code_before_is_nowhere_the_full_package_is_the_nearest(layered):
    lose_code(layered)
    layered.cloud.invoke("f")
    assert layered.shrink().code == 0
    lose_code_again = code_before(layered)["key"]
    layered.cloud.storage.delete_object(Bucket="packages", Key=lose_code_again)
    refused = restore(layered)
    assert refused.code == 1
    assert "no version of f holds that code" in refused.err
    assert restore(layered, "--nearest").code == 0
    assert layered.deployed() == set(FILES)


def test_where_the_state_is_lost_the_published_version_is_the_last_source(layered):
    lose_state(layered)
    layered.cloud.storage.delete_object(Bucket="packages", Key=code_before(layered)["key"])
    refused = restore(layered, "--bucket", "packages")
    assert refused.code == 1
    assert "Its version 1 is from before the probe" in refused.err
    assert restore(layered, "--bucket", "packages", "--nearest").code == 0
    found = layered.configuration()
    assert found["Environment"]["Variables"] == {"TOKEN": "s3cret"}
    assert (found["MemorySize"], len(found["Layers"])) == (128, 1)
    assert layered.cloud.invoke("f").value == "before"


def test_a_second_probe_names_no_version_with_the_probe_in_as_the_way_back(layered):
    write(layered.folder / "build", {"more.py": "MORE = 1\n"})
    again = layered.ldeploy("probe", "f", "--package", "build", "--bucket", "packages")
    assert "way back  ldeploy restore f" in again.out
    versions = layered.cloud.functions.list_versions_by_function(FunctionName="f")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", "1"]
    assert restore(layered).code == 0
    assert layered.cloud.invoke("f").value == "before"


def test_a_report_says_that_its_package_is_not_deployed_any_more(layered):
    layered.cloud.invoke("f")
    assert layered.shrink().code == 0
    assert "the slim package is deployed" in layered.ldeploy("report", "f").out
    assert restore(layered).code == 0
    assert "what was there before is deployed again" in layered.ldeploy("report", "f").out
    assert "f: what was there before is deployed again" in layered.ldeploy("report", "f", "--markdown").out


def test_a_state_in_the_bucket_that_leads_elsewhere_is_not_trusted_unasked(layered):
    key = "ldeploy/functions/f/state.json"
    state = json.loads(layered.cloud.storage.get_object(Bucket="packages", Key=key)["Body"].read())
    state["before"]["environment"]["TOKEN"] = "forged"
    layered.cloud.storage.put_object(Bucket="packages", Key=key, Body=json.dumps(state))
    probed = layered.configuration()
    refused = restore(layered)
    assert (refused.code, layered.configuration()) == (1, probed)
    assert "before.environment.TOKEN" in refused.err
    assert "forged" not in refused.err
    assert restore(layered, "--force").code == 0


FULL_DISK = """
import io, resource, sys
from deployer import cli
sys.stdout = sys.stderr = io.StringIO()  # they are files here
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
cli.main(["restore", "f", "--yes"])
"""


def test_restore_needs_no_room_on_this_machine(layered):
    before = layered.cloud.functions.get_function_configuration(FunctionName="f", Qualifier="1")["CodeSha256"]
    done = child(FULL_DISK, layered.cloud, layered.folder)
    assert done.returncode == 0, done.stderr
    assert layered.configuration()["CodeSha256"] == before


def test_files_and_bytes_add_up_in_a_report(layered):
    (layered.folder / "build/empty").mkdir()
    (layered.folder / "build/link.txt").symlink_to("data/never.bin")
    assert layered.ldeploy("probe", "f", "--package", "build", "--bucket", "packages", "--invoke", "events").code == 0
    found = layered.shrink().json
    before, after, steps = found["before"], found["after"], found["steps"]
    for count in ("files", "bytes"):
        assert sum(reason[count] for reason in found["reasons"]) == before[count]
    assert before["bytes"] + sum(step["bytes_after"] - step["bytes_before"] for step in steps) == after["bytes"]
    dropped = sum(reason["files"] for reason in found["reasons"] if not reason["kept"])
    assert steps[0]["files"] == dropped
    assert len(zipfile.ZipFile(".ldeploy/f/slim.zip").namelist()) >= after["files"]


def test_a_state_that_a_cut_off_run_wrote_to_the_bucket_alone_is_our_own(project):
    """It was killed between the bucket's copy and the one here (found by ``scripts/faults``)."""
    project.cloud.create("f", BEFORE)
    project.cloud.functions.publish_version(FunctionName="f")
    project.cloud.functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert project.ldeploy("probe", "f", "--package", "build", "--bucket", "packages").code == 0
    here = Path(".ldeploy/f/state.json")
    before = here.read_text()
    project.cloud.invoke("f")
    assert project.shrink().code == 0
    here.write_text(before)
    done = restore(project)
    assert done.code == 0, done.err
