"""What ldeploy makes of Lambda's answers that the AWS on this machine never gives."""

import base64
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.aws.functions import Functions
from deployer.errors import CloudError, ConflictError, DeniedError
from deployer.models.function import Configuration, StoredZip

ZIP = StoredZip("packages", "code.zip", "ab" * 32, 9)
CONFIGURATION = Configuration("python3.11", "app.handler", "arn:aws:iam::123456789012:role/any")
NOT_YET = "The role defined for the function cannot be assumed by Lambda."


class Lambda:
    """One function in Lambda; refuses its creation with each of ``refusals`` in turn."""

    def __init__(self, *refusals, **found):
        self.refusals = list(refusals)
        self.calls = 0
        self.published = []
        self.revision = 1
        self.found = {
            "FunctionName": "f",
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "Role": CONFIGURATION.role,
            "LastModified": "2026-01-31T12:00:00.000+0000",
            "Runtime": CONFIGURATION.runtime,
            "Handler": CONFIGURATION.handler,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "CodeSha256": base64.b64encode(bytes.fromhex(ZIP.sha256)).decode(),
            **found,
        }

    def get_function_configuration(self, **asked):
        return {**self.found, "RevisionId": f"{self.revision}"}

    def create_function(self, **settings):
        self.calls += 1
        if self.refusals:
            code, message = self.refusals.pop(0)
            raise ClientError({"Error": {"Code": code, "Message": message}}, "CreateFunction")

    def update_function_code(self, **settings):
        self.revision += 1
        self.found["LastUpdateStatus"] = "Successful"

    def publish_version(self, **asked):
        if asked["RevisionId"] != f"{self.revision}":
            raise ClientError({"Error": {"Code": "PreconditionFailedException", "Message": "no"}}, "PublishVersion")
        self.revision += 1
        self.published.append({**self.found, "Version": "7", "Description": asked["Description"]})
        return {"Version": "7"}

    def get_paginator(self, _):
        return SimpleNamespace(paginate=lambda **_: [{"Versions": self.published}])


class Refusing(Lambda):
    """Has made each update already."""

    def update_function_code(self, **settings):
        raise ClientError({"Error": {"Code": "PreconditionFailedException", "Message": "no"}}, "UpdateFunctionCode")


def functions(client: Any) -> Functions:
    return Functions(client)


def test_an_environment_that_cannot_be_decrypted_is_not_taken_for_an_empty_one():
    unreadable = Lambda(Environment={"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS said no."}})
    with pytest.raises(DeniedError, match="kms:Decrypt"):
        functions(unreadable).get("f")


def test_a_role_that_was_made_a_moment_ago_is_waited_for():
    young = Lambda(*[("InvalidParameterValueException", NOT_YET)] * 2)
    assert functions(young).create("f", CONFIGURATION, ZIP).name == "f"
    assert young.calls == 3


def test_a_function_that_somebody_else_has_just_made_is_no_update_under_way():
    made = Lambda(*[("ResourceConflictException", "Function already exist: f")] * 9, CodeSha256="bm90IG91cnM=")
    with pytest.raises(CloudError, match="already exist"):
        functions(made).create("f", CONFIGURATION, ZIP)
    assert made.calls == 1


def test_a_function_of_ours_whose_creation_was_answered_to_nobody_is_ours():
    made = Lambda(("ResourceConflictException", "Function already exist: f"))
    assert functions(made).create("f", CONFIGURATION, ZIP).code_sha256 == ZIP.sha256


def test_a_version_of_ours_that_was_answered_to_nobody_is_not_taken_for_somebody_else_s_change():
    lost = functions(Lambda())
    found = lost.get("f")
    assert lost.publish_version(found, "note") == lost.publish_version(found, "note") == "7"


def test_an_update_of_ours_that_was_answered_to_nobody_is_not_taken_for_somebody_else_s_change():
    refusing = Refusing()
    found = functions(refusing).get("f")
    assert functions(refusing).update_code(found, ZIP).code_sha256 == ZIP.sha256
    with pytest.raises(ConflictError):
        functions(refusing).update_code(found, replace(ZIP, sha256="11" * 32))


def test_a_function_whose_last_update_failed_can_be_updated_again():
    failed = functions(Lambda(LastUpdateStatus="Failed", LastUpdateStatusReason="the key is gone"))
    found = failed.get("f")
    with pytest.raises(CloudError, match="the key is gone"):
        failed.ready("f")
    assert failed.update_code(found, ZIP).code_sha256 == ZIP.sha256


def test_a_version_is_published_of_what_was_found_only():
    changing = Lambda()
    here = functions(changing)
    found = here.get("f")
    assert here.publish_version(found, "a note") == "7"
    with pytest.raises(ConflictError):
        here.publish_version(found, "another note")
