"""S3: packages under their hash, the state of a function, and zips read by range."""

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import urllib3
from botocore.exceptions import ClientError
from botocore.utils import get_environ_proxies

from deployer.aws.clients import code_of, translate_errors
from deployer.errors import CloudError, ConflictError, MissingError, PackageError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

Progress = Callable[[int], Any]
"""Called with the bytes that were done since the last call."""


@dataclass(frozen=True)
class Found:
    """What a HEAD request tells of an object."""

    size: int
    etag: str
    sha256: str
    """Hex; empty where S3 was not asked to keep it."""


@dataclass(frozen=True)
class ObjectSource:
    """A zip in S3, read by range requests; a change meanwhile is an error, not another zip's bytes."""

    client: "S3Client"
    bucket: str
    key: str
    size: int
    etag: str

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``.

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
            if isinstance(error.__cause__, ClientError) and code_of(error.__cause__) in _CHANGED:
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
    pool: urllib3.PoolManager = field(default_factory=urllib3.PoolManager, repr=False)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``.

        Raises:
            PackageError: fewer came.
            CloudError: the URL cannot be read.
        """
        if length == 0:
            return b""
        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        try:
            answer = self.pool.request("GET", self.url, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            # Not "from error": it names the URL, and a traceback would show it.
            raise CloudError(f"Could not read {self.what}: {type(error).__name__}.", "Run it again.") from None
        if answer.status not in {200, 206}:
            raise CloudError(f"Could not read {self.what}: HTTP {answer.status}.", "Run it again.")
        found = answer.data if answer.status == 206 else answer.data[offset : offset + length]
        if len(found) != length:
            raise PackageError(f"{self.what} ends before byte {offset + length}.", "Run it again.")
        return found


@dataclass(frozen=True)
class Storage:
    """The buckets of one account and region."""

    client: "S3Client"

    def find(self, bucket: str, key: str) -> Found | None:
        """What the object is, or None where there is none.

        Raises:
            MissingError: there is no such bucket.
            DeniedError: it may not be looked at.
        """
        try:
            with translate_errors(f"find s3://{bucket}/{key}"):
                answer = self.client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except MissingError:
            self.check_bucket(bucket)
            return None
        checksum = answer.get("ChecksumSHA256", "")
        whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT" and "-" not in checksum
        return Found(
            size=answer["ContentLength"],
            etag=answer["ETag"],
            sha256=base64.b64decode(checksum).hex() if whole else "",
        )

    def check_bucket(self, bucket: str, owner: str = "") -> None:
        """That the bucket is there and may be used, and that Lambda can read code from it.

        Args:
            bucket: its name.
            owner: the account that it must belong to; empty for any.

        Raises:
            MissingError: there is no such bucket.
            DeniedError: it belongs to somebody else, or may not be looked at.
            CloudError: it is in another region than the function.
        """
        whose: Any = {"ExpectedBucketOwner": owner} if owner else {}
        with translate_errors(f"use the bucket {bucket}"):
            found = self.client.head_bucket(Bucket=bucket, **whose)
        here = self.client.meta.region_name
        if found.get("BucketRegion", here) != here:
            raise CloudError(
                f"The bucket {bucket} is in {found['BucketRegion']}, and the function in {here}.",
                "Lambda takes code from a bucket of its own region only: name one, or give --resolve-s3.",
            )

    def has_bucket(self, bucket: str, owner: str = "") -> bool:
        """Whether the bucket is there; raises as ``check_bucket`` does."""
        try:
            self.check_bucket(bucket, owner)
        except MissingError:
            return False
        return True

    def make_bucket(self, bucket: str, region: str) -> None:
        """A private, encrypted bucket that only this account can read."""
        place: dict[str, Any] = {}
        if region != "us-east-1":  # the one region that must not be named
            place["CreateBucketConfiguration"] = {"LocationConstraint": region}
        with translate_errors(f"make the bucket {bucket}"):
            self.client.create_bucket(Bucket=bucket, **place)
            self.client.put_public_access_block(
                Bucket=bucket,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            )

    def source(self, bucket: str, key: str) -> ObjectSource:
        """The object, to be read by range requests.

        Raises:
            PackageError: there is no such object.
        """
        found = self.find(bucket, key)
        if found is None:
            raise PackageError(f"There is no s3://{bucket}/{key}.", "Check the bucket and the key.")
        return ObjectSource(self.client, bucket, key, found.size, found.etag)

    def url(self, url: str, size: int, what: str) -> UrlSource:
        """What lies behind a presigned URL.

        Args:
            url: as Lambda gives it.
            size: in bytes.
            what: what it is, for messages: the URL itself is a secret.
        """
        return UrlSource(url, size, what, _pool(url))

    def upload(self, path: Path, bucket: str, key: str, progress: Progress) -> None:
        """A file as an object, in parts where it is big; encrypted as the bucket says (S3 always does)."""
        with translate_errors(f"upload {path.name} to s3://{bucket}/{key}"):
            self.client.upload_file(
                str(path),
                bucket,
                key,
                ExtraArgs={"ContentType": "application/zip"},
                Callback=progress,
            )

    def put(self, bucket: str, key: str, text: str) -> None:
        """A small text as an object."""
        with translate_errors(f"write s3://{bucket}/{key}"):
            self.client.put_object(
                Bucket=bucket,
                Key=key,
                Body=text.encode("utf-8", "surrogateescape"),
                ContentType="application/json",
            )

    def get(self, bucket: str, key: str) -> str | None:
        """A small text, or None where there is no such object or no such bucket."""
        try:
            with translate_errors(f"read s3://{bucket}/{key}"):
                return self.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "surrogateescape")
        except MissingError:
            return None

    @contextmanager
    def lock(self, bucket: str, key: str, seconds: int) -> Iterator[bool]:
        """Whether nobody else holds this object, which is there for the length of the block.

        Args:
            bucket: of the object.
            key: of the object.
            seconds: how old one is at least that was left by a process that has died.
        """
        ours = self._take(bucket, key, seconds)
        try:
            yield ours
        finally:
            if ours:
                with translate_errors(f"give back s3://{bucket}/{key}"):
                    self.client.delete_object(Bucket=bucket, Key=key)

    def _take(self, bucket: str, key: str, seconds: int) -> bool:
        """By conditional writes: of several who try at once, one succeeds
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html)."""
        condition: Any = {"IfNoneMatch": "*"}
        with suppress(MissingError), translate_errors(f"look at s3://{bucket}/{key}"):
            held = self.client.head_object(Bucket=bucket, Key=key)
            if datetime.now(UTC) - held["LastModified"] < timedelta(seconds=seconds):
                return False
            condition = {"IfMatch": held["ETag"]}
        try:
            with translate_errors(f"take s3://{bucket}/{key}"):
                self.client.put_object(Bucket=bucket, Key=key, Body=uuid4().bytes, **condition)
        except ConflictError:
            return False
        return True


def _pool(url: str) -> urllib3.PoolManager:
    """Connections as boto3 would make them: through the environment's proxy, trusting ``AWS_CA_BUNDLE``."""
    trusted = os.environ.get("AWS_CA_BUNDLE")
    proxy = get_environ_proxies(url).get(url.partition(":")[0])
    return urllib3.ProxyManager(proxy, ca_certs=trusted) if proxy else urllib3.PoolManager(ca_certs=trusted)


_CHANGED = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404"})


def _changed(where: str) -> PackageError:
    return PackageError(
        f"{where} was changed or removed while it was read.",
        "Run the same command again on the zip you mean.",
    )
