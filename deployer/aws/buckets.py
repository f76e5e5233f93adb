"""S3: whether a bucket may be used, and the private bucket of ``--resolve-s3``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.aws.translate import translate_errors
from deployer.errors import CloudError, DeniedError, MissingError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

OLD_DAYS: Final = 90
"""Days that replaced versions of an object are kept, as in ``template.yaml``."""


@dataclass(frozen=True)
class Buckets:
    """The buckets of one account and region."""

    client: "S3Client"

    def check(self, bucket: str) -> None:
        """Check that the bucket exists, is of the expected account, and that Lambda can read code from it.

        Raises:
            MissingError: there is no such bucket.
            DeniedError: it belongs to somebody else, or may not be looked at.
            CloudError: it is in another region than the function.
        """
        try:
            with translate_errors(f"use the bucket {bucket}"):
                found = self.client.head_bucket(Bucket=bucket)
        except DeniedError as error:
            another = f"{error.advice} If it is another account's, and that is right, give --bucket-owner."
            raise DeniedError(error.what, another) from error
        here = self.client.meta.region_name
        if found.get("BucketRegion", here) != here:
            raise CloudError(
                f"The bucket {bucket} is in {found['BucketRegion']}, and the function in {here}.",
                "Lambda takes code from a bucket of its own region only: name one, or give --resolve-s3.",
            )

    def has(self, bucket: str) -> bool:
        """Return whether the bucket exists; raises as ``check`` does."""
        try:
            self.check(bucket)
        except MissingError:
            return False
        return True

    def is_whole(self, bucket: str) -> bool:
        """Return whether a bucket of our own is there and finished: its versioning is switched on last."""
        if not self.has(bucket):
            return False
        with translate_errors(f"look at the bucket {bucket}"):
            return self.client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"

    def make(self, bucket: str, region: str) -> None:
        """Make a private, encrypted, versioned bucket, or finish one that a run left half made."""
        place: dict[str, Any] = {}
        if region != "us-east-1":  # the one region that must not be named
            place["CreateBucketConfiguration"] = {"LocationConstraint": region}
        if not self.has(bucket):
            with translate_errors(f"create the bucket {bucket}"):
                self.client.create_bucket(Bucket=bucket, **place)
        for operation, settings in _settings(f"arn:{self.client.meta.partition}:s3:::{bucket}"):
            with translate_errors(f"set up the bucket {bucket}"):
                getattr(self.client, operation)(Bucket=bucket, **settings)


def _settings(arn: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what makes a bucket ours, as ``template.yaml`` has it; the last one says that all were set."""
    blocked = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    yield "put_public_access_block", {"PublicAccessBlockConfiguration": dict.fromkeys(blocked, True)}
    encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    yield "put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [encrypted]}}
    yield "put_bucket_policy", {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [_encrypted_only(arn)]})}
    yield "put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": list(_rules())}}
    yield "put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}


def _encrypted_only(arn: str) -> dict[str, Any]:
    return {
        "Sid": "EncryptedInTransit",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _rules() -> Iterator[dict[str, Any]]:
    everything = {"Status": "Enabled", "Filter": {"Prefix": ""}}
    yield {"ID": "old-versions", **everything, "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_DAYS}}
    yield {"ID": "uploads-cut-off", **everything, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
