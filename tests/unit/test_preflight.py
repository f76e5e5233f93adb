"""What stops a probe, or makes it see less, is found before anything is changed, with the command that mends it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from deployer.aws import Aws
from deployer.aws.functions import Functions
from deployer.aws.logs import Logs
from deployer.errors import DeniedError, LdeployError
from deployer.flow.preflight import check_network, check_package, check_surroundings, refuse
from deployer.models.function import Configuration, Function
from deployer.package import index, open_file
from deployer.report.checks import Check, Verdict
from tests.zips import packed

FOUND = Function(
    "shop", "arn:aws:lambda:eu-west-1:1:function:shop", Configuration("python3.11", "app.handler", "role"), "", 0, "",
    log_group="/aws/lambda/shop",
)  # fmt: skip


@dataclass
class Account:
    """What AWS answers."""

    policy: str = ""
    kind: str = "STANDARD"
    denied: bool = False

    @property
    def functions(self) -> "Account":
        return self

    logs = functions

    def signing_policy(self, name: str) -> str:
        if self.denied:
            raise DeniedError(f"Not allowed to look at {name}.", "Allow lambda:GetFunctionCodeSigningConfig.")
        return self.policy

    def group_class(self, group: str) -> str:
        return self.kind


def checked(found: Function = FOUND, **account: Any) -> list[Check]:
    return list(check_surroundings(cast("Aws", Account(**account)), found))


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    assert checked() == []
    assert list(check_network(replace(FOUND, vpc="vpc-1", snap_start=True), "eu-west-1", over=False)) == []
    assert list(check_network(FOUND, "eu-west-1", over=True)) == []


@pytest.mark.parametrize(
    ("account", "verdict", "command"),
    [
        ({"policy": "Enforce"}, Verdict.STOPS, "aws lambda delete-function-code-signing-config --function-name shop"),
        ({"policy": "Warn"}, Verdict.DOUBT, "aws lambda delete-function-code-signing-config --function-name shop"),
        ({"kind": "DELIVERY"}, Verdict.STOPS, "--logging-config LogGroup=/aws/lambda/shop-probed"),
        ({"kind": "INFREQUENT_ACCESS"}, Verdict.DOUBT, "--via insights"),
        ({"denied": True}, Verdict.DOUBT, "Allow lambda:GetFunctionCodeSigningConfig"),
    ],
)
def test_each_has_a_verdict_and_the_command_that_mends_it(
    account: dict[str, Any], verdict: Verdict, command: str
) -> None:
    (found,) = checked(**account)
    assert (found.verdict, command in found.what) == (verdict, True)


def test_snap_start_is_a_doubt_and_stops_a_package_over_the_limit() -> None:
    snapped = replace(FOUND, snap_start=True)
    (doubt,) = checked(snapped)
    assert (doubt.verdict, "--snap-start ApplyOn=None" in doubt.what) == (Verdict.DOUBT, True)
    (stop,) = check_network(snapped, "eu-west-1", over=True)
    assert stop.verdict is Verdict.STOPS


def test_a_vpc_needs_a_way_to_s3_for_a_package_over_the_limit() -> None:
    (doubt,) = check_network(replace(FOUND, vpc="vpc-1"), "eu-west-1", over=True)
    assert "create-vpc-endpoint --vpc-id vpc-1 --service-name com.amazonaws.eu-west-1.s3" in doubt.what


def test_what_stops_is_raised_with_its_advice_and_doubts_are_warnings() -> None:
    doubts = checked(policy="Warn")
    assert refuse(doubts) == (doubts[0].what,)
    with pytest.raises(LdeployError) as caught:
        refuse(checked(policy="Enforce"))
    assert caught.value.what.endswith("(UntrustedArtifactOnDeployment: Enforce).")
    assert caught.value.advice.startswith("Take the rule off while it is probed: aws lambda delete-function")


class Client:
    """Lambda and CloudWatch Logs, with these answers."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def __getattr__(self, name: str) -> Any:
        return lambda **asked: self.answers[name]


@pytest.mark.parametrize("policy", ["Enforce", "Warn"])
def test_the_policy_of_a_code_signing_configuration_is_looked_up(policy: str) -> None:
    arn = {"CodeSigningConfigArn": "arn"}
    config = {"CodeSigningConfig": {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": policy}}}
    client = Client(get_function_code_signing_config=arn, get_code_signing_config=config)
    assert Functions(cast("Any", client)).signing_policy("shop") == policy
    assert Functions(cast("Any", Client(get_function_code_signing_config={}))).signing_policy("shop") == ""


def test_the_class_is_that_of_the_group_of_this_name() -> None:
    groups = [{"logGroupName": "/a/b-2", "logGroupClass": "DELIVERY"}, {"logGroupName": "/a/b"}]
    logs = Logs(cast("Any", Client(describe_log_groups={"logGroups": groups})))
    assert (logs.group_class("/a/b"), logs.group_class("/a/b-2"), logs.group_class("/a")) == (
        "STANDARD",
        "DELIVERY",
        "",
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("ARCHIVE_PATH='s3://zappa/shop_dev_current_project.tar.gz'\n", True),
        ("ARCHIVE_PATH=None\n", False),
        ("", False),
    ],
)
def test_a_project_outside_the_package_is_said(tmp_path: Path, settings: str, said: bool) -> None:
    zipped = tmp_path / "code.zip"
    zipped.write_bytes(packed({"zappa_settings.py": f"APP_MODULE='app'\n{settings}"}))
    with open_file(zipped) as source:
        found = list(check_package(source, index(source), FOUND))
    assert [one.name for one in found] == ["slim_handler"] * said
    assert not said or "s3://zappa/shop_dev_current_project.tar.gz" in found[0].what
