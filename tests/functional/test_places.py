"""Which function is meant: regions, accounts, and what other runs left."""

import pytest

from tests.functional.local_aws import client, spec
from tests.functional.project import FILES
from tests.zips import packed

FAR = ("--package", "s3://far/code.zip")
ARN = "arn:aws:lambda:{}:{}:function:f"


@pytest.fixture
def elsewhere(project):
    """A function of the same name in another region, and a bucket with a package."""
    functions = client(project.cloud.aws, "lambda", "eu-west-1")
    functions.create_function(**spec("f"))
    storage = client(project.cloud.aws, "s3", "eu-west-1")
    storage.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    storage.put_object(Bucket="far", Key="code.zip", Body=packed(FILES))
    yield project
    storage.close()
    functions.close()


def test_lambda_takes_code_from_a_bucket_of_its_own_region_only(elsewhere):
    elsewhere.cloud.create("f", FILES)
    elsewhere.cloud.aws.faults.forget()
    for given in (["--bucket", "far"], ["--package", "s3://far/code.zip"], [*FAR, "--bucket", "packages"]):
        refused = elsewhere.ldeploy("probe", "f", *given)
        assert (refused.code, "eu-west-1" in refused.err) == (1, True)
    assert elsewhere.changes() == []


def test_an_arn_says_the_region_and_the_account(elsewhere):
    assert elsewhere.probe().code == 0
    here, there = ARN.format("us-east-1", "123456789012"), ARN.format("eu-west-1", "123456789012")
    assert elsewhere.ldeploy("status", here).code == 0
    assert "eu-west-1" in elsewhere.ldeploy("status", there, "--region", "us-east-1").err
    other = elsewhere.ldeploy("status", ARN.format("us-east-1", "999999999999"))
    assert (other.code, "999999999999" in other.err) == (2, True)


@pytest.mark.parametrize(
    "command", [["status"], ["shrink", "--from-logs"], ["restore", "--yes"], ["probe", "--bucket", "far"]]
)
def test_what_is_left_of_a_function_of_the_same_name_in_another_region_is_not_used(elsewhere, command):
    assert elsewhere.probe().code == 0
    elsewhere.cloud.aws.faults.forget()
    refused = elsewhere.ldeploy(*command, "f", "--region", "eu-west-1")
    assert (refused.code, "another function of that name" in refused.err) == (1, True)
    assert elsewhere.changes() == []
