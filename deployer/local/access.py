"""What a caller may not do: touch buckets of another account than it expects."""

from collections.abc import Mapping
from typing import Any

from moto.s3.models import s3_backends

from deployer.local.faults import ErrorAnswer

DENIED = "403 Forbidden"


def refusal(operation: str, environ: Mapping[str, Any]) -> ErrorAnswer | None:
    """Return the error that AWS would give, or None where the call may be made.

    Args:
        operation: such as ``s3.GetObject``.
        environ: the WSGI request.
    """
    expected = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", "")
    if operation.startswith("s3.") and expected and _owner(environ["PATH_INFO"]) not in {expected, ""}:
        return ErrorAnswer(DENIED, "AccessDenied", "Access Denied")
    return None


def _owner(path: str) -> str:
    """Return the account of the bucket of a path, or nothing where there is none."""
    account: str = s3_backends.bucket_accounts.get(path.split("/")[1], ("", ""))[1]
    return account
