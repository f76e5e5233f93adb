"""S3: packages under their hash, the state of a function, and zips read by range."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.aws.buckets import Buckets
from deployer.aws.ranges import ObjectSource, UrlSource, pool_for
from deployer.aws.translate import translate_errors
from deployer.errors import ConflictError, MissingError, PackageError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PART = 8 * 1024 * 1024
"""Bytes read at a time."""
WHOLE = 5 * 1024**3
"""Bytes of the biggest object that is sent in one part."""
Progress = Callable[[int], Any]
"""Called with the bytes that were done since the last call."""


@dataclass(frozen=True)
class Found:
    """What a HEAD request tells of an object."""

    size: int
    etag: str
    sha256: str
    """Hex; empty where S3 was not asked to keep it."""
    version: str = ""
    """Empty where the bucket is not versioned."""


@dataclass(frozen=True)
class Held:
    """A small object, such as a lease."""

    etag: str
    age_s: float
    """Seconds since it was written."""
    text: str


@dataclass(frozen=True)
class Storage:
    """The buckets of one account and region."""

    client: "S3Client"

    def find(self, bucket: str, key: str) -> Found | None:
        """Return what the object is, or None where there is none.

        Raises:
            MissingError: there is no such bucket.
            DeniedError: it may not be looked at.
        """
        try:
            with translate_errors(f"find s3://{bucket}/{key}"):
                answer = self.client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except MissingError:
            Buckets(self.client).check(bucket)
            return None
        checksum = answer.get("ChecksumSHA256", "")
        whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT" and "-" not in checksum
        return Found(
            size=answer["ContentLength"],
            etag=answer["ETag"],
            sha256=base64.b64decode(checksum).hex() if whole else "",
            version=answer.get("VersionId", ""),
        )

    def sha256(self, bucket: str, key: str, found: Found) -> str:
        """Return the SHA-256 of an object, hex: what S3 checked when it came, else that of its bytes.

        Raises:
            PackageError: it was changed meanwhile.
        """
        if found.sha256:
            return found.sha256
        source = ObjectSource(self.client, bucket, key, found.size, found.etag)
        digest = hashlib.sha256()
        for offset in range(0, found.size, PART):
            digest.update(source.read(offset, min(PART, found.size - offset)))
        return digest.hexdigest()

    def source(self, bucket: str, key: str) -> ObjectSource:
        """Return the object as a source that is read by range requests.

        Raises:
            PackageError: there is no such object.
        """
        found = self.find(bucket, key)
        if found is None:
            raise PackageError(f"There is no s3://{bucket}/{key}.", "Check the bucket and the key.")
        return ObjectSource(self.client, bucket, key, found.size, found.etag)

    def url(self, url: str, size: int, what: str) -> UrlSource:
        """Return what is behind a presigned URL as a source.

        Args:
            url: as Lambda gives it.
            size: in bytes.
            what: what it is, for messages: the URL itself is a secret.
        """
        return UrlSource(url, size, what, pool_for(url))

    def upload(self, path: Path, bucket: str, key: str, sha256: str, progress: Progress) -> None:
        """Upload a file as an object, in parts where it is big; encrypted as the bucket says (S3 always does).

        Args:
            path: the file, of at most 5 GB: a hash of the whole is for objects in one part
                (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
            bucket: where to.
            key: of the object.
            sha256: of the file, hex.
            progress: called with bytes done.
        """
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - late, as boto3 itself

        checked = {"ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode()}
        with translate_errors(f"upload {path.name} to s3://{bucket}/{key}"):
            self.client.upload_file(
                str(path),
                bucket,
                key,
                ExtraArgs={"ContentType": "application/zip", **checked},
                Callback=progress,
                Config=TransferConfig(multipart_threshold=WHOLE),
            )

    def put(self, bucket: str, key: str, text: str) -> None:
        """Write a small text as an object."""
        with translate_errors(f"write s3://{bucket}/{key}"):
            self.client.put_object(
                Bucket=bucket,
                Key=key,
                Body=text.encode("utf-8", "surrogateescape"),
                ContentType="application/json",
            )

    def get(self, bucket: str, key: str) -> str | None:
        """Return a small text, or None where there is no such object or no such bucket."""
        try:
            with translate_errors(f"read s3://{bucket}/{key}"):
                return self.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "surrogateescape")
        except MissingError:
            return None

    def peek(self, bucket: str, key: str) -> Held | None:
        """Return a small object with its ETag and its age by S3's own clock, or None where there is none."""
        try:
            with translate_errors(f"look at s3://{bucket}/{key}"):
                answer = self.client.get_object(Bucket=bucket, Key=key)
                text = answer["Body"].read().decode("utf-8", "replace")
        except MissingError:
            return None
        said = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        age = (parsedate_to_datetime(said) if said else datetime.now(UTC)) - answer["LastModified"]
        return Held(answer["ETag"], age.total_seconds(), text)

    def put_if(self, bucket: str, key: str, text: str, etag: str) -> str | None:
        """Write a small object if nobody else wrote it: of several who try at once, one succeeds.

        Args:
            bucket: of the object.
            key: of the object.
            text: what is written, and what nobody else writes.
            etag: of the object that is replaced; empty where there must be none
                (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).

        Returns:
            the new ETag, or None where somebody else was faster.
        """
        condition: Any = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            with translate_errors(f"write s3://{bucket}/{key}"):
                return self.client.put_object(Bucket=bucket, Key=key, Body=text.encode(), **condition)["ETag"]
        except (ConflictError, MissingError) as error:
            if isinstance(error, MissingError) and not etag:
                raise  # no such bucket
            now = self.peek(bucket, key)
            return now.etag if now and now.text == text else None  # ours: its answer was lost, and it was sent again

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object; one that is gone is as good."""
        with translate_errors(f"delete s3://{bucket}/{key}"):
            self.client.delete_object(Bucket=bucket, Key=key)
