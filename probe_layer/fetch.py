"""Where the bytes of a package lie that is unpacked at start: beside the manifest, or in S3 by range requests.

S3 is asked with the role's own credentials by the botocore that the runtime has; nothing is imported without need.
"""

from __future__ import annotations

import _thread
import importlib
import os
import sys
from typing import Any

CONNECTIONS = 8
"""Requests at a time: one connection to S3 carries less than a sandbox's network does."""
_PIECE = 1 << 18  # bytes read at a time
_CONNECT, _READ = 3, 10  # seconds until a connection, or its next bytes, are given up
_REFUSED = {
    "AccessDenied": "unpack-denied",
    "403": "unpack-denied",
    "InvalidAccessKeyId": "unpack-denied",
    "NoSuchKey": "unpack-gone",
    "NoSuchBucket": "unpack-gone",
    "404": "unpack-gone",
    "PreconditionFailed": "unpack-changed",
    "412": "unpack-changed",
    "InvalidRange": "unpack-changed",
    "416": "unpack-changed",
}
"""Error codes of S3 that another attempt would meet again."""
_SAID = {
    "unpack-denied": "the function's role may not read %s: it needs s3:GetObject on it",
    "unpack-gone": "%s is gone: run ldeploy restore, or ldeploy probe again",
    "unpack-changed": "%s was replaced by another object: run ldeploy restore, or ldeploy probe again",
}


class UnpackError(Exception):
    """The package cannot be had.

    Args:
        fault: its name in the record.
        text: what and where, and what to do.
    """

    def __init__(self, fault: str, text: str) -> None:
        super().__init__(text)
        self.fault = fault


class Beside:
    """A zip on this disk.

    Args:
        path: of the zip.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.end = os.path.getsize(path)

    def open(self, start: int, end: int) -> Any:  # noqa: ARG002 - an object in S3 needs the end
        """A stream of the bytes from ``start``, to be closed."""
        file = open(self._path, "rb")  # noqa: SIM115 - closed by the caller
        file.seek(start)
        return file

    def __str__(self) -> str:
        return self._path


class Bucket:
    """An object in S3, the same one for as long as it is read.

    Args:
        fields: as the manifest has them: ``bucket``, ``key``, ``etag``, ``bytes``, ``region``.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self._object = {"Bucket": fields["bucket"], "Key": fields["key"]}
        if fields["etag"]:  # else the key is the object's hash
            self._object["IfMatch"] = fields["etag"]
        self._region = fields["region"]
        self._lock = _thread.allocate_lock()  # threading would be loaded for it
        self._client: Any = None
        self.end: int = fields["bytes"]

    def open(self, start: int, end: int) -> Any:
        """A stream of the bytes from ``start`` up to ``end``, to be closed.

        Raises:
            UnpackError: S3 refuses, and would again.
        """
        with self._lock:
            self._client = self._client or _connect(self._region)
        try:
            answer = self._client.get_object(Range="bytes=%d-%d" % (start, end - 1), **self._object)
        except Exception as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            if code not in _REFUSED:
                raise
            raise self._refused(_REFUSED[code]) from error
        if answer["ContentRange"].rpartition("/")[2] != str(self.end):  # cut off, or grown
            raise self._refused("unpack-changed")
        return answer["Body"]

    def _refused(self, fault: str) -> UnpackError:
        return UnpackError(fault, _SAID[fault] % self)

    def __str__(self) -> str:
        return "s3://%(Bucket)s/%(Key)s" % self._object


def _connect(region: str) -> Any:
    runtime = os.environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")  # where botocore lies in the older images
    if runtime not in sys.path:
        sys.path.append(runtime)
    session = importlib.import_module("botocore.session").Session()
    config = importlib.import_module("botocore.config").Config(
        connect_timeout=_CONNECT,
        read_timeout=_READ,
        retries={"max_attempts": 5, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
    )
    return session.create_client("s3", region_name=region, config=config)


class StreamError(Exception):
    """The bytes stopped coming."""


class Stream:
    """Bytes in their order, by as many as are wanted."""

    def __init__(self, body: Any, at: int) -> None:
        self._body, self._at = body, at

    def take(self, most: int) -> bytes:
        """The next bytes, at least one."""
        try:
            data: bytes = self._body.read(min(most, _PIECE))
        except Exception as error:
            raise StreamError from error
        if not data:
            raise StreamError("it ended too soon")
        self._at += len(data)
        return data

    def exactly(self, count: int) -> bytes:
        """So many bytes."""
        data = self.take(count) if count else b""
        while len(data) < count:
            data += self.take(count - len(data))
        return data

    def skip_to(self, offset: int) -> None:
        """Past what nobody wants."""
        while self._at < offset:
            self.take(offset - self._at)

    def close(self) -> None:
        """Gives the connection back."""
        try:
            self._body.close()
        except Exception:
            pass
