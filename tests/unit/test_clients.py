"""What is said where AWS, or the way to it, says no."""

import inspect
import re
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from deployer.aws import Aws, buckets, open_aws, ranges, storage
from deployer.aws.clients import connect
from deployer.aws.ranges import UrlSource
from deployer.aws.storage import Storage
from deployer.aws.translate import plain, translate_errors
from deployer.errors import CloudError, DeniedError, LdeployError, UsageError

ECHO = 'exceeded the 4KB limit. String measured: {"KEY":"s3cret"}'


def refused(code, message, operation):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def told(error, kind=LdeployError):
    """What the user sees, and the whole traceback."""
    with pytest.raises(kind) as caught, translate_errors("do it"):
        raise error
    return str(caught.value), "".join(traceback.format_exception(caught.value))


def test_values_of_the_environment_are_in_no_message_and_in_no_traceback():
    error = refused("InvalidParameterValueException", f"The environment variables you {ECHO}", "X")
    assert not [text for text in told(error) if "s3cret" in text]


def test_a_presigned_url_is_in_no_traceback():
    signature = "s3" + "cret"  # a traceback shows lines of source too
    with pytest.raises(CloudError) as caught:
        UrlSource(f"http://127.0.0.1:9/code?X-Amz-Signature={signature}", 9, "the code of f").read(0, 1)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("HeadBucket", "s3:ListBucket"),
        ("HeadObject", "s3:GetObject"),
        ("PutObject", "s3:PutObject"),
        ("Invoke", "lambda:InvokeFunction"),
        ("GetLayerVersionByArn", "lambda:GetLayerVersion"),
        ("UpdateFunctionCode", "lambda:UpdateFunctionCode"),
    ],
)
def test_a_refusal_names_the_permission_that_iam_knows(operation, permission):
    assert f"Allow {permission} to" in told(refused("AccessDenied", "no", operation), DeniedError)[0]


def test_the_message_of_aws_ends_as_a_sentence():
    assert told(refused("NoSuchBucket", "It does not exist", "GetObject"))[0].startswith(
        "Could not do it: It does not exist. Check"
    )


def test_a_bucket_s_name_that_is_none_is_a_mistake_of_the_command_line():
    aws = Aws(connect("us-east-1", None, "http://127.0.0.1:9", bucket_owner="123456789012"))
    with pytest.raises(UsageError, match="Bad Bucket"):
        aws.buckets.check("Bad Bucket!")


def test_every_call_on_a_bucket_names_the_account_that_it_must_belong_to():
    client: Any = connect("us-east-1", None, "http://127.0.0.1:9", bucket_owner="123456789012").storage
    sources = "".join(inspect.getsource(module) for module in (buckets, ranges, storage))
    names = client.meta.method_to_api_mapping
    used = {names[called] for called in re.findall(r"\w+", sources) if called in names}
    without = {name for name in names.values() if expected_owner(client, name) != "123456789012"}
    assert {"GetObject", "PutObject", "HeadBucket", "PutBucketPolicy", "DeleteObject"} <= used
    assert used & without == {"CreateBucket"}  # S3 itself refuses that where somebody else has the bucket


def expected_owner(client, operation):
    """The account that S3 is told with a call."""
    asked: dict[str, str] = {}
    model = client.meta.service_model.operation_model(operation)
    client.meta.events.emit(f"before-parameter-build.s3.{operation}", params=asked, model=model, context={})
    return asked.get("ExpectedBucketOwner")


def test_an_answer_that_was_cut_off_is_said_and_is_no_error_of_ours(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")

    class Cut(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"FunctionName": "f", "Functio')

        def log_message(self, *said):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Cut) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        aws = open_aws("us-east-1", None, f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(CloudError, match="was cut off"):
            aws.functions.get("f")
        server.shutdown()


def test_an_answer_without_what_it_must_hold_is_no_error_of_ours():
    assert "AWS's answer lacks 'Role'" in told(KeyError("Role"), CloudError)[0]


def test_a_presigned_url_is_read_through_the_proxy_that_boto3_would_take(monkeypatch):
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(206)
            self.end_headers()
            self.wfile.write(self.path[-1:].encode())

        def log_message(self, *said):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        client: Any = None
        found = Storage(client).url("http://code.invalid/x", 1, "the code of f").read(0, 1)
        proxy.shutdown()
    assert found == b"x"


def test_no_answer_is_said_whatever_was_asked():
    class Nobody:
        def get_object(self, **asked):
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

        head_object = head_bucket = get_object

    client: Any = Nobody()
    for asked in (Storage(client).get, Storage(client).find, Storage(client).source):
        with pytest.raises(CloudError, match=r"127\.0\.0\.1"):
            asked("packages", "key")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            (
                r"1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must "
                r"satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((\d{12}):)?([a-zA-Z0-9-_]+)"
            ),
            "'a b' is not a valid functionName",
        ),
        (
            "<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>",
            "a page of HTML came instead of an answer (502 Bad Gateway): a proxy, or another server, answers here",
        ),
        (
            'Invalid bucket name "A b": Bucket name must match the regex "^[a-zA-Z0-9.\\-_]{1,255}$" or be an ARN',
            'Invalid bucket name "A b"',
        ),
        ("Function not found: f", "Function not found: f"),
    ],
)
def test_pages_of_html_and_regular_expressions_become_a_sentence(message, told):
    assert plain(message) == told
