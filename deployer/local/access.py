"""What a caller may not do: use buckets of an account that it does not expect; as an IAM user, more than that may.

A key that belongs to no user is the account's own: it may do all.
"""

import io
import re
from collections.abc import Mapping
from typing import Any, Final

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from deployer.local.faults import ErrorAnswer
from deployer.local.needs import Call, needs
from deployer.local.policies import Decision, decide
from deployer.local.services.roles import read

DENIED = "403 Forbidden"
_KEY: Final = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/")


def refusal(operation: str, environ: dict[str, Any]) -> ErrorAnswer | None:
    """Return the error that AWS would give, or None where the call may be made.

    Args:
        operation: such as ``s3.GetObject``.
        environ: the WSGI request.
    """
    expected = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", "")
    if operation.startswith("s3.") and expected and _owner(environ["PATH_INFO"]) not in {expected, ""}:
        return ErrorAnswer(DENIED, "AccessDenied", "Access Denied")
    signed = _KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
    user = _user(signed[1]) if signed else None
    if not (signed and user):
        return None
    policies = _policies(user)
    for asked in needs(Call(operation, environ, _body(environ), signed[2])):
        if decide(policies, asked) is not Decision.ALLOWED:
            who = f"User: {user.arn} is not authorized to perform: {asked.action} on resource: {asked.resource}"
            code = "AccessDenied" if operation.partition(".")[0] in {"s3", "iam", "cloudformation"} else _CODE
            return ErrorAnswer(DENIED, code, f"{who} because no identity-based policy allows the {asked.action} action")
    return None


_CODE: Final = "AccessDeniedException"


def _user(key: str) -> Any:
    """Return the IAM user to whom an access key belongs, or None."""
    users = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].users.values()
    return next((user for user in users if any(one.access_key_id == key for one in user.access_keys)), None)


def _policies(user: Any) -> list[Mapping[str, Any]]:
    """Return the documents of a user's policies, its own and the attached ones."""
    backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    attached = [backend.get_policy(arn) for arn in user.managed_policies]
    return [read(policy) for policy in (*user.policies.values(), *attached)]


def _body(environ: dict[str, Any]) -> bytes:
    """Return the body of a request, and put it back for the next reader; of an object it matters to nobody."""
    if "s3" in environ.get("HTTP_AUTHORIZATION", "").partition("aws4_request")[0].split("/"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _owner(path: str) -> str:
    """Return the account of the bucket of a path, or nothing where there is none."""
    account: str = s3_backends.bucket_accounts.get(path.split("/")[1], ("", ""))[1]
    return account
