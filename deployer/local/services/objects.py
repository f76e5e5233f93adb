"""S3: a range of an object read alone, where moto reads all of it; bucket policies with their conditions."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote_plus

from moto.iam.access_control import PermissionResult
from moto.s3 import notifications
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

from deployer.local.policies import Asked, Decision, decide

notifications.quote_plus = partial(quote_plus, safe="/")
"""A key in an event has its slashes as they are; moto quotes them too."""

Reply = tuple[int, dict[str, Any], Any]
_RESULTS: Final = {
    Decision.ALLOWED: PermissionResult.PERMITTED,
    Decision.EXPLICIT_DENY: PermissionResult.DENIED,
    Decision.IMPLICIT_DENY: PermissionResult.NEUTRAL,
}
_CONTEXT: Final = {"aws:securetransport": "true"}
"""Of each call here: nothing leaves this machine."""


class ObjectsResponse(S3Response):  # type: ignore[misc]
    """One request."""

    def _bucket_response_put(self, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        answer = super()._bucket_response_put(request, bucket_name, querystring)
        if "policy" in querystring:  # moto takes each condition for met
            bucket = self.backend.get_bucket(bucket_name)
            document = json.loads(bucket.policy)
            bucket.get_permission = lambda action, resource: _RESULTS[
                decide([document], Asked(action, resource, _CONTEXT))
            ]
        return answer

    def _get_key(self, validate_storage_class: bool = True) -> tuple[Any, bool]:
        key, not_modified = super()._get_key(validate_storage_class)
        return (Ranged(key) if self.headers.get("Range") else key), not_modified

    def _handle_range_header(self, request: Any, response_headers: dict[str, Any], response_content: Any) -> Reply:
        status, headers, content = super()._handle_range_header(request, response_headers, response_content)
        return status, headers, bytes(content)


@dataclass(frozen=True)
class Ranged:
    """An object of which a range is asked for: its contents are read when it is known which."""

    key: FakeKey

    def __getattr__(self, name: str) -> Any:
        return getattr(self.key, name)

    @property
    def value(self) -> "Contents":
        """What stands for the contents."""
        return Contents(self.key)


@dataclass(frozen=True)
class Contents:
    """The bytes of an object, still on the disk."""

    key: FakeKey

    def __len__(self) -> int:
        return int(self.key.size)

    def __getitem__(self, wanted: slice) -> bytes:
        start, end, _ = wanted.indices(len(self))
        with self.key.lock:
            self.key._value_buffer.seek(start)
            part: bytes = self.key._value_buffer.read(max(end - start, 0))
        return part

    def __bytes__(self) -> bytes:
        return self[:]
