"""What ldeploy made and nobody needs goes; what a way back, an alias or somebody else needs stays."""

import json
import time
from pathlib import Path

import boto3
import pytest

from deployer.aws import open_aws
from deployer.context import Context
from deployer.deploy.executor import Executor
from deployer.flow.clean import clean
from deployer.instrumentation.layer_zip import START_LAYER_NAME, build_layer
from deployer.notices import Silent
from deployer.state.workspace import Workspace
from tests.functional.local_aws import ROLE
from tests.functional.project import FILES, write

FOLDER = "ldeploy/functions/f/"


@pytest.fixture
def used(project):
    """Yield a function that was probed and shrunk twice, with a version of somebody else's and an alias."""
    functions = project.cloud.functions
    for number in range(2):
        write(project.folder / "build", {**FILES, "used.py": f"VALUE = {number}\n"})
        assert project.probe().code == 0
        project.cloud.invoke("f", {})
        assert project.shrink("--guard", "off").code == 0
    functions.update_function_configuration(FunctionName="f", MemorySize=512)
    functions.publish_version(FunctionName="f", Description="theirs")
    return project


def versions(project):
    """Number -> description."""
    found = project.cloud.functions.list_versions_by_function(FunctionName="f")["Versions"]
    return {one["Version"]: one["Description"] for one in found if one["Version"] != "$LATEST"}


def zips(project):
    """The keys of zips."""
    listed = project.cloud.storage.list_objects_v2(Bucket="packages", Prefix=FOLDER)["Contents"]
    return {one["Key"] for one in listed if one["Key"].endswith(".zip")}


def cleaned(project, *options):
    """The answer as JSON."""
    done = project.ldeploy("clean", "f", *options, "--output", "json")
    assert done.code == 0, done.err
    return done.json


def test_what_nobody_needs_goes_and_the_way_back_stays(used):
    before, held = versions(used), zips(used)
    assert len(before) >= 3
    functions = used.cloud.functions
    shrunk = sorted((number for number, note in before.items() if note.startswith("ldeploy shrink")), key=int)
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion=shrunk[0])
    planned = cleaned(used, "--plan")
    assert planned["state"] == "planned"
    assert (versions(used), zips(used)) == (before, held)
    done = cleaned(used, "--yes")
    assert (done["state"], done["versions"], done["objects"]) == ("cleaned", planned["versions"], planned["objects"])
    left = versions(used)
    assert set(before) - set(left) == set(done["versions"])
    assert shrunk[0] in left
    assert shrunk[1] not in left
    assert "theirs" in left.values()
    assert done["bytes"] > 0
    assert {f"s3://packages/{key}" for key in held - zips(used)} == set(done["objects"])
    assert cleaned(used, "--yes")["plan"] == []
    assert used.ldeploy("restore", "f", "--force").code == 0
    assert "unused.py" in used.deployed()


def test_a_version_that_somebody_calls_stays(used):
    shrunk = [number for number, note in versions(used).items() if note.startswith("ldeploy shrink")]
    permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    for number in shrunk:
        used.cloud.functions.add_permission(FunctionName="f", Qualifier=number, **permission)
    cleaned(used, "--yes")
    assert set(shrunk) <= set(versions(used))


def test_layers_policies_and_trial_functions_that_were_left_go(used):
    roles = boto3.client("iam", endpoint_url=used.cloud.aws.endpoint_url)
    name = ROLE.rpartition("/")[2]
    roles.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    ours = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::packages/{FOLDER}x"},
    }
    others = json.loads(json.dumps(ours).replace("/f/", "/g/"))
    for policy, document in (("ldeploy-f-guard", ours), ("ldeploy-f-rest", others), ("theirs", ours)):
        roles.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    used.cloud.create("f-ldeploy-trial", FILES, Description="ldeploy trial of f: it may be deleted")
    publish = used.cloud.functions.publish_layer_version
    content = {"ZipFile": build_layer(START_LAYER_NAME)}
    spare, theirs = (
        publish(LayerName=START_LAYER_NAME, Content=content, Description=note)["LayerVersionArn"]
        for note in ("ldeploy start 0", "theirs")
    )
    assert not cleaned(used, "--plan")["layers"]
    aws = open_aws(None, None, None)
    later = Context(
        aws,
        Workspace("f", Path(".ldeploy/f"), aws.storage, "packages"),
        Silent(),
        lambda: time.time_ns() // 1_000_000 + 2 * 3_600_000,
    )
    report = clean(later, Executor(lambda steps: True), "f")
    assert (report.policies, report.functions) == (("ldeploy-f-guard",), ("f-ldeploy-trial",))
    assert roles.list_role_policies(RoleName=name)["PolicyNames"] == ["ldeploy-f-rest", "theirs"]
    in_use = used.cloud.functions.list_functions(FunctionVersion="ALL")["Functions"]
    layers = {layer["Arn"] for one in in_use for layer in one.get("Layers", ())}
    published = used.cloud.functions.list_layer_versions(LayerName="ldeploy-probe")["LayerVersions"]
    assert any("ldeploy-probe" in arn for arn in report.layers) != bool(published)
    assert (spare in report.layers, theirs in report.layers) == (True, False)
    assert not layers & set(report.layers)


def test_what_a_version_that_stays_reads_from_s3_stays(project):
    """The full package of the second build, which the third's state does not name, and the alias's version reads."""
    roles = boto3.client("iam", endpoint_url=project.cloud.aws.endpoint_url)
    roles.create_role(RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument="{}")
    full = []
    for number in range(3):
        known = zips(project) if number else set()
        write(project.folder / "build", {**FILES, "used.py": f"VALUE = {number}\n"})
        assert project.probe().code == 0
        full.append(zips(project) - known)
        project.cloud.invoke("f", {})
        if number == 1:
            project.cloud.functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
            assert project.shrink("--guard", "s3", "--attach-policy").code == 0
    gone = cleaned(project, "--yes")["objects"]
    assert gone
    assert full[1] <= zips(project)
    assert project.cloud.invoke("f", {"do": "lazy"}, Qualifier="live").value == "lazy"


def test_a_function_that_a_command_left_in_the_middle_is_not_cleaned(used):
    used.shrink("--alias", "no-such-alias")
    state = json.loads(used.cloud.storage.get_object(Bucket="packages", Key=f"{FOLDER}state.json")["Body"].read())
    used.cloud.storage.put_object(
        Bucket="packages", Key=f"{FOLDER}state.json", Body=json.dumps({**state, "stage": "shrinking"})
    )
    refused = used.ldeploy("clean", "f", "--yes")
    assert (refused.code, "is shrinking" in refused.err) == (1, True)
