"""template.yaml lets whoever runs ldeploy, and the controller, do just what they do."""

import json
from pathlib import Path

import pytest

from deployer import controller
from deployer.local.services.stacks import expanded
from probe_layer.guard import line
from tests.functional.project import CHANGES, FILES, write
from tests.functional.test_controller import SETTINGS, Context, tag
from tests.zips import packed

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
STACK = "Resources: {Fn: {Type: 'AWS::S3::Bucket'}}"
NAMED_OTHERWISE = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "tagging:GetResources": "tag:GetResources",
    "monitoring:GetMetricData": "cloudwatch:GetMetricData",
}
"""What an operation needs, where its permission has another name
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html)."""
OWN = (':function:*-ldeploy-trial"}', ':function:*:*"}')
"""Functions made for a trial, and versions: never a function of the user's as a whole."""
WITHOUT = {"sts:GetCallerIdentity"}
"""What anybody may do."""
NOT_SEEN = {
    "s3:AbortMultipartUpload",
    "logs:StartQuery",
    "logs:GetQueryResults",
    "iam:PassRole",
    "iam:GetRolePolicy",
    "iam:SimulatePrincipalPolicy",
    "lambda:DeleteLayerVersion",
}
"""When an upload of many parts fails; of ``--via insights``, which the AWS on this machine lacks; what CreateFunction
asks for; of ``clean``, where a policy was left and layers are old; and where the role is to read from S3."""


@pytest.fixture
def resources():
    packaged = TEMPLATE.read_text().replace("Uri: scripts/", "Uri: s3://packages/any.zip")
    return json.loads(expanded(packaged, {}, "us-east-1"))["Resources"]


def allowed(document):
    """The actions of a policy document."""
    return {action for statement in document["Statement"] for action in listed(statement.get("Action", []))}


def listed(value):
    return [value] if isinstance(value, str) else value


def needed(project):
    """The permissions of all that was done since they were last looked at."""
    done = {name.replace(".", ":") for name in project.cloud.aws.faults.journal}
    project.cloud.aws.faults.forget()
    return {NAMED_OTHERWISE.get(name, name) for name in done} - WITHOUT


@pytest.fixture
def layered(project):
    """A user with a function that has a layer of its own."""
    layer = packed({"python/spare.py": "VALUE = 0\n" * 99, "python/used.py": "VALUE = 1\n"})
    arn = project.cloud.functions.publish_layer_version(LayerName="own", Content={"ZipFile": layer})["LayerVersionArn"]
    project.cloud.create("f", FILES, Layers=[arn])
    write(project.folder, {"build/used.py": "VALUE = 3\n"})
    project.cloud.aws.faults.forget()
    return project


def test_whoever_runs_ldeploy_may_do_what_it_does_and_no_more(layered, resources):
    used = set()
    for command in (
        ("doctor", "f"),
        ("probe", "f", "--invoke", "events"),
        ("status", "f"),
        ("shrink", "f", "--from-logs"),
        ("deploy", "f", "--package", "build", "--alias", "live", "--canary", "10%", "--no-wait"),
        ("shift", "status", "f"),
        ("shift", "finish", "f", "--yes"),
        ("restore", "f", "--yes"),
        ("clean", "f", "--yes"),
    ):
        if command[0] == "deploy":
            layered.cloud.functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
            layered.cloud.storage.put_object(Bucket="packages", Key=f"ldeploy/functions/f/{'0' * 64}.zip", Body=b"")
            used |= needed(layered) - {"lambda:CreateAlias"}
        done = layered.ldeploy(*command, "--bucket", "packages")
        assert done.code == 0, done.err
    used |= needed(layered)
    assert layered.ldeploy("status", "--stack-name", "nowhere").code == 1
    used |= needed(layered) | {"cloudformation:ListStackResources", "cloudformation:GetTemplate"}
    document = resources["DeployerPolicy"]["Properties"]["PolicyDocument"]
    assert (allowed(document) - NOT_SEEN - used, used - allowed(document)) == (set(), set())


def test_the_controller_may_do_what_it_does_and_no_more(layered, resources, monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert layered.ldeploy("probe", "f", "--bucket", "packages", "--invoke", "events").code == 0
    tag(layered, "f")
    needed(layered)
    row = controller.handler({"functions": ["f"]}, Context())["functions"][0]
    assert row["state"] == "deployed", row
    role = resources["ControllerFunctionRole"]["Properties"]
    own = {action for policy in role["Policies"] for action in allowed(policy["PolicyDocument"])}
    deployer = allowed(resources["DeployerPolicy"]["Properties"]["PolicyDocument"])
    assert {"Ref": "DeployerPolicy"} in role["ManagedPolicyArns"]
    used = needed(layered)
    assert used - own - deployer == set()
    assert own - used <= {"sns:Publish"}


def test_sam_shifts_traffic_as_the_docs_say():
    """The properties of docs/sam.md: an alias's traffic is shifted, and errors and misses of the guard send it back."""
    shown = (TEMPLATE.parent / "docs/sam.md").read_text().split("<!-- shifted -->")[1].split("<!-- end -->")[0]
    resources = shown.replace("```yaml", "Resources:").replace("```", "").replace("build/", "s3://packages/any.zip")
    stack = f"Transform: AWS::Serverless-2016-10-31\n{resources.strip()}\n"
    made = json.loads(expanded(stack, {}, "us-east-1"))["Resources"]
    [alias] = [one for one in made.values() if one["Type"] == "AWS::Lambda::Alias"]
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]
    [group] = [one for one in made.values() if one["Type"] == "AWS::CodeDeploy::DeploymentGroup"]
    alarms = [alarm["Name"]["Ref"] for alarm in group["Properties"]["AlarmConfiguration"]["Alarms"]]
    measured = {(made[name]["Properties"]["Namespace"], made[name]["Properties"]["MetricName"]) for name in alarms}
    assert measured == {("AWS/Lambda", "Errors"), (line.NAMESPACE, line.METRIC)}
    version = made["NewVersionFails"]["Properties"]["Dimensions"][2]["Value"]["Fn::GetAtt"]
    assert made[version[0]]["Type"] == "AWS::Lambda::Version"


def test_nothing_in_the_bucket_is_for_everybody(resources):
    bucket = resources["PackageBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    read = resources["ProbedFunctionPolicy"]["Properties"]["PolicyDocument"]
    assert allowed(read) == {"s3:GetObject"}


def test_only_tagged_functions_and_objects_and_layers_of_ldeploy_may_be_changed(resources):
    document = resources["DeployerPolicy"]["Properties"]["PolicyDocument"]
    for statement in (one["Fn::If"][1] if "Fn::If" in one else one for one in document["Statement"]):
        changes = [action for action in listed(statement["Action"]) if action.split(":")[1].startswith(CHANGES)]
        where = json.dumps(statement["Resource"])
        tagged = statement.get("Condition") == {"StringLike": {"aws:ResourceTag/ldeploy": "*"}}
        assert (
            not changes or tagged or "ldeploy/functions/" in where or "layer:ldeploy-" in where or where.endswith(OWN)
        ), statement["Sid"]
    [read] = resources["ProbedFunctionPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert "/ldeploy/functions/" in json.dumps(read["Resource"])
