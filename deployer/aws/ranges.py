"""Reads zips by range: an object in S3, or what a presigned URL leads to."""

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.aws.translate import code_of, translate_errors
from deployer.errors import CloudError, PackageError

if TYPE_CHECKING:
    import urllib3
    from types_boto3_s3 import S3Client


@dataclass(frozen=True)
class ObjectSource:
    """A zip in S3, read by range requests; a change meanwhile is an error, not another zip's bytes."""

    client: "S3Client"
    bucket: str
    key: str
    size: int
    etag: str

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``offset``.

        Raises:
            PackageError: the object ends before that, or was changed or removed.
        """
        if length == 0:
            return b""
        where = f"s3://{self.bucket}/{self.key}"
        try:
            with translate_errors(f"read {where}"):
                answer = self.client.get_object(
                    Bucket=self.bucket,
                    Key=self.key,
                    Range=f"bytes={offset}-{offset + length - 1}",
                    IfMatch=self.etag,
                )
                found = answer["Body"].read()
        except CloudError as error:
            if code_of(error.__cause__) in _CHANGED:
                raise _changed(where) from error
            raise
        if len(found) != length:
            raise PackageError(f"{where} ends before byte {offset + length}.", "Upload it again.")
        return found


@dataclass(frozen=True)
class UrlSource:
    """A zip behind a presigned URL, read by range requests."""

    url: str = field(repr=False)
    """Presigned: whoever has it may read, so it is never printed."""
    size: int
    what: str
    pool: "urllib3.PoolManager | None" = field(default=None, repr=False)
    """None for one of its own."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``offset``.

        Raises:
            PackageError: fewer came.
            CloudError: the URL cannot be read.
        """
        if length == 0:
            return b""
        import urllib3  # noqa: PLC0415 - late, as boto3 itself

        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        try:
            answer = (self.pool or urllib3.PoolManager()).request("GET", self.url, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            # Not "from error": it names the URL, and a traceback would show it.
            raise CloudError(f"Could not read {self.what}: {type(error).__name__}.", "Run it again.") from None
        if answer.status not in {200, 206}:
            raise CloudError(f"Could not read {self.what}: HTTP {answer.status}.", "Run it again.")
        found = answer.data if answer.status == 206 else answer.data[offset : offset + length]
        if len(found) != length:
            raise PackageError(f"{self.what} ends before byte {offset + length}.", "Run it again.")
        return found


def pool_for(url: str) -> "urllib3.PoolManager":
    """Return a connection pool as boto3 would make it: through the environment's proxy, trusting ``AWS_CA_BUNDLE``."""
    import urllib3  # noqa: PLC0415 - late, as boto3 itself
    from botocore.utils import get_environ_proxies  # noqa: PLC0415

    trusted = os.environ.get("AWS_CA_BUNDLE")
    proxy = get_environ_proxies(url).get(url.partition(":")[0])
    return urllib3.ProxyManager(proxy, ca_certs=trusted) if proxy else urllib3.PoolManager(ca_certs=trusted)


_CHANGED = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404"})


def _changed(where: str) -> PackageError:
    return PackageError(
        f"{where} was changed or removed while it was read.",
        "Run the same command again on the zip you mean.",
    )
