"""Which permissions a call needs: its action on its resource, and those that AWS checks beside it.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import moto.awslambda_simple.models as seam
from moto.core import DEFAULT_ACCOUNT_ID

from deployer.local.policies import Asked

_ACTIONS: Final[Mapping[str, str]] = {
    "lambda.Invoke": "lambda:InvokeFunction",
    "lambda.GetLayerVersionByArn": "lambda:GetLayerVersion",
    "s3.HeadBucket": "s3:ListBucket",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3.HeadObject": "s3:GetObject",
    "s3.PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3.GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3.PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3.GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3.PutBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3.PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3.GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3.CreateMultipartUpload": "s3:PutObject",
    "s3.UploadPart": "s3:PutObject",
    "s3.CompleteMultipartUpload": "s3:PutObject",
    "tagging.GetResources": "tag:GetResources",
    "monitoring.GetMetricData": "cloudwatch:GetMetricData",
}
"""Operations that are not called as their action."""
_ANYBODY: Final = frozenset({"sts.GetCallerIdentity"})
_OF_ALL: Final = frozenset({"ListFunctions", "ListLayers", "ListLayerVersions", "ListEventSourceMappings"})
"""Operations of Lambda that know no resource."""
_FUNCTION: Final = re.compile(r"/20\d\d-\d\d-\d\d/functions/([^/]+)")
_LAYER: Final = re.compile(r"/20\d\d-\d\d-\d\d/layers/([^/]+)")


def action_of(operation: str) -> str:
    """Return the action that an operation needs first, as policies name it: ``s3:GetObject`` of ``s3.HeadObject``."""
    return _ACTIONS.get(operation, operation.replace(".", ":", 1))


@dataclass(frozen=True)
class Call:
    """One request, as far as permissions go by it."""

    operation: str
    """Such as ``lambda.Invoke``."""
    environ: Mapping[str, Any]
    body: bytes
    region: str

    @property
    def json(self) -> Mapping[str, Any]:
        """Its body, where that is a JSON object."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def asked(self, name: str) -> str:
        """Return a parameter of the query string, or of a form."""
        for text in (self.environ.get("QUERY_STRING", ""), self.body.decode("utf-8", "replace")):
            if found := parse_qs(text).get(name):
                return str(found[0])
        return ""

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN of this account and region."""
        return f"arn:aws:{service}:{self.region}:{DEFAULT_ACCOUNT_ID}:{resource}"


def needs(call: Call) -> Iterator[Asked]:
    """Yield what the caller must be permitted."""
    if call.operation in _ANYBODY:
        return
    service, _, name = call.operation.partition(".")
    action = action_of(call.operation)
    match service:
        case "lambda":
            yield from _of_lambda(call, action, name)
        case "s3":
            yield _of_s3(call, action)
        case "logs" if name in {"FilterLogEvents", "StartQuery"}:
            yield Asked(action, call.arn("logs", f"log-group:{call.json.get('logGroupName', '')}:*"))
        case "iam":
            role = call.asked("PolicySourceArn") or f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/{call.asked('RoleName')}"
            yield Asked(action, role)
        case "cloudformation":
            yield Asked(action, call.arn("cloudformation", f"stack/{call.asked('StackName')}/id"))
        case _:
            yield Asked(action, "*")


def _of_lambda(call: Call, action: str, name: str) -> Iterator[Asked]:
    path, body = unquote(call.environ["PATH_INFO"]), call.json
    function, layer = _FUNCTION.match(path), _LAYER.match(path)
    if name == "GetLayerVersionByArn":
        yield Asked(action, call.asked("Arn"))
    elif name in _OF_ALL:
        yield Asked(action, "*")
    elif layer:
        version = path.partition("/versions/")[2].partition("/")[0]
        arn = layer[1] if layer[1].startswith("arn:") else call.arn("lambda", f"layer:{layer[1]}")
        yield Asked(action, f"{arn}:{version}" if version else arn)
    else:
        plain = function[1] if function else str(body.get("FunctionName", ""))
        yield Asked(action, call.arn("lambda", f"function:{plain}{_qualifier(call, name)}"), _tags(call, plain))
    yield from _beside(name, body)


def _qualifier(call: Call, name: str) -> str:
    """Return the version or alias behind a function's name, where it belongs to the resource."""
    asked = call.asked("Qualifier")
    return f":{asked}" if asked and asked != "$LATEST" and name in {"Invoke", "DeleteFunction"} else ""


def _beside(name: str, body: Mapping[str, Any]) -> Iterator[Asked]:
    """Yield what AWS checks beside the action: the code, layers and role that a function is given."""
    code = body.get("Code") or body.get("Content") or body
    if isinstance(code, Mapping) and (key := code.get("S3Key")):
        yield Asked("s3:GetObject", f"arn:aws:s3:::{code.get('S3Bucket')}/{key}")
    if name in {"CreateFunction", "UpdateFunctionConfiguration"}:
        yield from (Asked("lambda:GetLayerVersion", arn) for arn in body.get("Layers") or ())
        if role := body.get("Role"):
            yield Asked("iam:PassRole", role, {"iam:passedtoservice": "lambda.amazonaws.com"})


def _of_s3(call: Call, action: str) -> Asked:
    _, bucket, *key = unquote(call.environ["PATH_INFO"]).split("/", 2)
    versioned = action in {"s3:GetObject", "s3:DeleteObject"} and call.asked("versionId")
    return Asked(f"{action}Version" if versioned else action, "/".join([f"arn:aws:s3:::{bucket}", *filter(None, key)]))


def _tags(call: Call, function: str) -> dict[str, str]:
    """Return a function's tags as conditions know them; none where there is no such function."""
    backend = seam.lambda_simple_backends[DEFAULT_ACCOUNT_ID][call.region]
    try:
        tags = backend.get_function(function).tags
    except Exception:
        return {}
    return {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}
