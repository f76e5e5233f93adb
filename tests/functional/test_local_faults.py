"""Faults that tests order from the embedded AWS, and its journal of calls."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.exceptions import ConnectionError as BotoConnectionError

from deployer.local import Kind
from tests.functional.local_aws import Cloud, client, cloud, refusal


@pytest.fixture(scope="module")
def shared() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


@pytest.fixture
def here(shared: Cloud) -> Iterator[Cloud]:
    yield shared
    shared.aws.faults.clear()
    shared.aws.faults.forget()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.THROTTLE, (429, "TooManyRequestsException")),
        (Kind.ERROR, (500, "ServiceException")),
        (Kind.DENY, (403, "AccessDeniedException")),
    ],
)
def test_lambda_fails_as_ordered_and_then_works(here: Cloud, kind: Kind, expected: tuple[int, str]) -> None:
    here.aws.faults.order("lambda.ListFunctions", kind, times=2)
    assert refusal(here.functions.list_functions)[:2] == expected
    assert refusal(here.functions.list_functions)[:2] == expected
    assert "Functions" in here.functions.list_functions()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Kind.THROTTLE, (503, "SlowDown")), (Kind.ERROR, (500, "InternalError")), (Kind.DENY, (403, "AccessDenied"))],
)
def test_s3_fails_in_its_own_way(here: Cloud, kind: Kind, expected: tuple[int, str]) -> None:
    here.storage.create_bucket(Bucket="any-bucket")
    here.aws.faults.order("s3.PutObject", kind)
    assert refusal(here.storage.put_object, Bucket="any-bucket", Key="k", Body=b"x" * 100_000)[:2] == expected


def test_logs_fail_too(here: Cloud) -> None:
    here.aws.faults.order("logs.*", Kind.THROTTLE)
    assert refusal(here.logs.describe_log_groups)[:2] == (429, "ThrottlingException")


def test_a_client_that_tries_again_gets_through(here: Cloud) -> None:
    here.aws.faults.order("lambda.ListFunctions", Kind.THROTTLE, times=2)
    patient: Any = client(here.aws, "lambda", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    assert "Functions" in patient.list_functions()
    patient.close()


def test_a_lost_request_took_no_effect(here: Cloud) -> None:
    here.aws.faults.order("s3.CreateBucket", Kind.LOSE_REQUEST)
    with pytest.raises((ConnectionClosedError, BotoConnectionError)):
        here.storage.create_bucket(Bucket="lost-request")
    assert "lost-request" not in buckets(here)


def test_a_lost_answer_took_effect(here: Cloud) -> None:
    here.aws.faults.order("s3.CreateBucket", Kind.LOSE_ANSWER)
    with pytest.raises((ConnectionClosedError, BotoConnectionError)):
        here.storage.create_bucket(Bucket="lost-answer")
    assert "lost-answer" in buckets(here)


def buckets(here: Cloud) -> list[str]:
    return [bucket["Name"] for bucket in here.storage.list_buckets()["Buckets"]]


def test_a_fault_can_wait_for_a_later_call(here: Cloud) -> None:
    here.aws.faults.order("*", Kind.DENY, skip=1)
    here.functions.list_functions()
    assert refusal(here.functions.list_functions)[0] == 403


def test_faults_are_ordered_and_the_journal_read_from_outside(here: Cloud) -> None:
    order = json.dumps({"operation": "lambda.ListFunctions", "kind": "deny"}).encode()
    control(here, "POST", "faults", order)
    assert refusal(here.functions.list_functions)[0] == 403
    assert json.loads(control(here, "GET", "journal")) == ["lambda.ListFunctions"]
    control(here, "DELETE", "journal")
    control(here, "DELETE", "faults")
    assert here.aws.faults.journal == []


def control(here: Cloud, method: str, what: str, body: bytes | None = None) -> bytes:
    url = f"{here.aws.endpoint_url}/_ldeploy/{what}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def test_the_journal_names_operations_of_every_service(here: Cloud) -> None:
    clients: list[Any] = [client(here.aws, service) for service in ("iam", "sts", "cloudformation")]
    clients[0].list_roles()
    clients[1].get_caller_identity()
    clients[2].list_stacks()
    here.storage.create_bucket(Bucket="journal")
    here.storage.put_object(Bucket="journal", Key="a/b", Body=b"x")
    here.storage.get_object(Bucket="journal", Key="a/b")["Body"].read()
    here.storage.head_object(Bucket="journal", Key="a/b")
    here.storage.list_objects_v2(Bucket="journal")
    upload = here.storage.create_multipart_upload(Bucket="journal", Key="c")["UploadId"]
    here.storage.upload_part(Bucket="journal", Key="c", UploadId=upload, PartNumber=1, Body=b"x")
    here.storage.abort_multipart_upload(Bucket="journal", Key="c", UploadId=upload)
    here.storage.delete_object(Bucket="journal", Key="a/b")
    here.logs.describe_log_groups()
    with pytest.raises(ClientError):
        here.functions.update_function_configuration(FunctionName="nobody", Timeout=3)
    for each in clients:
        each.close()
    assert here.aws.faults.journal == [
        "iam.ListRoles",
        "sts.GetCallerIdentity",
        "cloudformation.ListStacks",
        "s3.CreateBucket",
        "s3.PutObject",
        "s3.GetObject",
        "s3.HeadObject",
        "s3.ListObjectsV2",
        "s3.CreateMultipartUpload",
        "s3.UploadPart",
        "s3.AbortMultipartUpload",
        "s3.DeleteObject",
        "logs.DescribeLogGroups",
        "lambda.UpdateFunctionConfiguration",
    ]
