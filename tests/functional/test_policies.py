"""The policies of docs/policies.md are enough for each command, are those of the template, and each action is named."""

import json
import re
from pathlib import Path

import pytest

from deployer import controller
from deployer.local.services.stacks import expanded
from tests.functional.local_aws import ROLE, client
from tests.functional.project import CHANGES, FILES, write
from tests.functional.test_controller import SETTINGS, Context

ROOT = Path(__file__).parents[2]
PLACES = {"ACCOUNT": "123456789012", "REGION": "us-east-1", "BUCKET": "packages", "ROLE": ROLE}
SUBSTITUTED = {"AWS::Partition": "aws", "AWS::Region": "REGION", "AWS::AccountId": "ACCOUNT"}
SUBSTITUTED["PackageBucket.Arn"] = "arn:aws:s3:::BUCKET"
COMMANDS = (
    ("doctor", "f"),
    ("probe", "f", "--package", "build", "--invoke", "events"),
    ("status", "f"),
    ("shrink", "f", "--from-logs", "--guard", "inside"),
    ("deploy", "f", "--package", "build"),
    ("restore", "f"),
)
NAMED_OTHERWISE = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
}
QUIET = {
    "lambda:GetPolicy",
    "lambda:ListAliases",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctions",
    "s3:DeleteObject",
}
"""What only makes a command see less, or ends a lease: some commands pass over it."""


def documented():
    """The policy of the docs, as somebody puts it in."""
    text = (ROOT / "docs/policies.md").read_text()
    return filled_in(text.partition("<!-- deployer -->\n```json\n")[2].partition("```")[0])


def filled_in(text):
    """A policy with this account's own names."""
    for name, value in PLACES.items():
        text = re.sub(rf"\b{name}\b", value, text)
    return json.loads(text)


def listed(value):
    return [value] if isinstance(value, str) else value


def without(document, action):
    """The policy with one action taken away."""
    statements = [
        {**one, "Action": left}
        for one in document["Statement"]
        if (left := [each for each in listed(one["Action"]) if each != action])
    ]
    return {**document, "Statement": statements}


class Caller:
    """An IAM user who runs ldeploy."""

    def __init__(self, project, monkeypatch):
        self.project, self.iam = project, client(project.cloud.aws, "iam")
        self.iam.create_user(UserName="deployer")
        key = self.iam.create_access_key(UserName="deployer")["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])

    def may(self, document):
        """Give the user this policy, in the place of the one before."""
        self.iam.put_user_policy(UserName="deployer", PolicyName="p", PolicyDocument=json.dumps(document))

    def run(self, command):
        """The command, and the permissions of the calls that it made."""
        self.project.cloud.aws.faults.forget()
        done = self.project.ldeploy(*command, "--bucket", "packages")
        used = {name.replace(".", ":") for name in self.project.cloud.aws.faults.journal} - {"sts:GetCallerIdentity"}
        return done, {NAMED_OTHERWISE.get(name, name) for name in used}


@pytest.fixture
def caller(project, monkeypatch):
    """A user with no policy yet, a function that has the tag, and one that has not."""
    for name, tags in (("f", {"ldeploy": "yes"}), ("untagged", {})):
        project.cloud.create(name, FILES, Tags=tags)
    write(project.folder / "build", {"more.py": "MORE = 1\n"})
    return Caller(project, monkeypatch)


def test_the_documented_policy_is_enough_for_each_command_and_for_no_other_function(caller):
    caller.may(documented())
    for command in COMMANDS:
        done, _ = caller.run(command)
        assert done.code == 0, done.err
        assert "not authorized" not in done.err + done.out
    assert caller.project.cloud.functions.list_layer_versions(LayerName="ldeploy-start")["LayerVersions"]
    refused, _ = caller.run(("probe", "untagged"))
    assert (refused.code, "lambda:GetFunction" in refused.err) == (1, True)


def test_an_action_that_is_missing_is_named(caller):
    for action in ("s3:PutObject", "lambda:PublishLayerVersion", "lambda:UpdateFunctionCode"):
        caller.may(without(documented(), action))
        refused, _ = caller.run(COMMANDS[1])
        assert (refused.code, action in refused.err) == (1, True), refused.err


@pytest.mark.slow("each action away in turn, with a loop for it")
def test_each_action_that_is_taken_away_is_named_by_the_command_that_needs_it(caller):
    whole = documented()
    caller.project.cloud.create("g", FILES, Tags={"ldeploy": "yes"})
    caller.may(whole)
    used = [caller.run((name, "g", *more))[1] for name, _, *more in COMMANDS]
    caller.project.cloud.functions.delete_layer_version(LayerName="ldeploy-probe", VersionNumber=1)
    named: set[str] = set()
    for command, needed in zip(COMMANDS, used, strict=True):
        beside = {"iam:PassRole"} if "lambda:CreateFunction" in needed else set()
        for action in sorted((needed | beside) - named, key=turn):
            caller.may(without(whole, action))
            done, _ = caller.run(command)
            named |= {action} if action in done.err + done.out else set()
        caller.may(whole)
        done, _ = caller.run(command)
        assert done.code == 0, done.err
    assert set().union(*used) - named <= QUIET
    assert len(named) > 15


def turn(action):
    """What stops a command first: it is not done yet then, when the next action is taken away."""
    return action in QUIET, not action.split(":")[1].startswith((*CHANGES, "Pass")), action


def test_the_controller_needs_no_more_than_the_template_gives_it(caller, monkeypatch):
    caller.may(documented())
    assert caller.run(COMMANDS[1])[0].code == 0
    for name, value in {**SETTINGS, "LDEPLOY_TAG": "ldeploy=yes"}.items():
        monkeypatch.setenv(name, value)
    resources = template()
    policies = resources["ControllerFunctionRole"]["Properties"]["Policies"]
    own = [filled_in(json.dumps(plain(policy["PolicyDocument"]))) for policy in policies]
    statements = [statement for one in (documented(), *own) for statement in one["Statement"]]
    caller.may({"Version": "2012-10-17", "Statement": statements})
    [row] = controller.handler({}, Context())["functions"]
    assert (row["function"], row["state"]) == ("f", "deployed"), row


def test_the_policy_of_the_docs_is_that_of_the_template():
    text = (ROOT / "docs/policies.md").read_text()
    block = text.partition("<!-- deployer -->\n```json\n")[2].partition("```")[0]
    assert plain(template()["DeployerPolicy"]["Properties"]["PolicyDocument"]) == json.loads(block)


def test_no_role_is_passed_that_is_not_named():
    for statement in template()["DeployerPolicy"]["Properties"]["PolicyDocument"]["Statement"]:
        if "Fn::If" in statement:
            assert statement["Fn::If"][1]["Resource"] == {"Ref": "TrialRoleArns"}
        else:
            assert "iam:PassRole" not in listed(statement["Action"])


def template():
    """The template's resources."""
    packaged = (ROOT / "template.yaml").read_text().replace("Uri: scripts/", "Uri: s3://packages/any.zip")
    return json.loads(expanded(packaged, {}, "us-east-1"))["Resources"]


def plain(value):
    """A part of the template with the placeholders of the docs in the place of its functions."""
    match value:
        case {"Fn::If": [_, wanted, _]}:
            return plain(wanted)
        case {"Ref": _}:
            return "ROLE"
        case {"Fn::GetAtt": _}:
            return SUBSTITUTED["PackageBucket.Arn"]
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{([\w.:]+)\}", lambda found: SUBSTITUTED[found[1]], text)
        case dict():
            return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value
