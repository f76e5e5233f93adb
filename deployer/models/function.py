"""A Lambda function, and a zip in S3, as values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deployer.errors import UsageError
from deployer.models.slim import Measure

PREFIX = "ldeploy"
"""Everything of ldeploy's in a bucket is below this."""
_ARN = re.compile(
    r"(?:(?:arn:[^:]+:lambda:(?P<region>[^:]*):)?(?P<account>\d+):function:)?(?P<name>[a-zA-Z0-9-_]{1,140})"
)


@dataclass(frozen=True)
class Named:
    """A function as the user names it."""

    name: str
    region: str = ""
    """Empty where only a name or a partial ARN is given."""
    account: str = ""
    """Empty where only a name is given."""


def named(name_or_arn: str) -> Named:
    """Parse a function's name, partial ARN or ARN.

    Raises:
        UsageError: the text is neither, or carries a version or alias: ldeploy works on ``$LATEST``.
    """
    match = _ARN.fullmatch(name_or_arn)
    if match is None:
        raise UsageError(
            f"'{name_or_arn}' is not a function's name or ARN without a version.",
            "Give only the name: ldeploy works on $LATEST.",
        )
    return Named(match["name"], match["region"] or "", match["account"] or "")


@dataclass(frozen=True)
class Configuration:
    """The part of a function's configuration that ldeploy changes, or must know to deploy."""

    runtime: str
    handler: str
    role: str
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    memory: int = 128
    """MB."""
    timeout: int = 3
    """Seconds."""
    storage: int = 512
    """MB of /tmp."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values are never printed: they may be secrets."""
    layers: tuple[str, ...] = ()
    """ARNs, in the order in which they are laid over each other."""


@dataclass(frozen=True)
class Function:
    """A function as it was found in AWS."""

    name: str
    arn: str
    configuration: Configuration
    code_sha256: str
    """Hex, of the zip that is deployed."""
    code_size: int
    """Bytes of that zip."""
    revision: str
    package_type: Literal["Zip", "Image"] = "Zip"
    log_group: str = ""
    log_level: str = ""
    """What the log takes of the function's lines, this and above, where it is JSON; empty where it takes all."""
    vpc: str = ""
    """The identifier of the VPC that it is in; empty where it is in none of the user's."""
    snap_start: bool = False
    """Whether versions that are published start from a snapshot."""
    modified: int = 0
    """When code or configuration were changed last: milliseconds since 1970."""


@dataclass(frozen=True)
class Routing:
    """Where an alias leads."""

    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    """A second version -> its share of the traffic."""

    def __str__(self) -> str:
        """Return it in words."""
        shares = "".join(f", {share:.0%} to version {version}" for version, share in self.weights.items())
        return f"version {self.version}{shares}"


@dataclass(frozen=True, slots=True)
class StoredZip:
    """A package's zip in S3, and what is known of it."""

    bucket: str
    key: str
    sha256: str
    """Hex; empty until Lambda has told it, for a zip that the user keeps in S3."""
    zip_bytes: int
    bytes: int = 0
    """Unpacked; 0 where it was never indexed."""
    files: int = 0
    label: str = ""
    """The package's label, as log records carry it."""
    etag: str = ""
    """Of the user's own object, as it was indexed; empty where the hash says as much."""
    version: str = ""
    """Of the user's own object, where its bucket keeps versions."""

    @classmethod
    def of(cls, measure: Measure, bucket: str, function: str) -> "StoredZip":
        """Return where a zip of ours lies, or will lie, in a bucket: in the function's folder, under its hash."""
        key = package_key(function, measure.sha256)
        return cls(bucket, key, measure.sha256, measure.zip_bytes, measure.bytes, measure.files)

    @property
    def measure(self) -> Measure:
        """What it weighs."""
        return Measure(self.files, self.bytes, self.zip_bytes, self.sha256)

    @property
    def uri(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    def __str__(self) -> str:
        """Return the zip in words: of the hash only as much as tells zips apart."""
        return self.uri.replace(self.sha256, f"{self.sha256[:12]}…") if self.sha256 else self.uri


def package_key(function: str, sha256: str) -> str:
    """Return where a function's package lies in the bucket: a role may be allowed its own function's packages alone."""
    return function_key(function, f"{sha256}.zip")


def function_key(function: str, name: str) -> str:
    """Return where a file of a function's own lies in the bucket."""
    return f"{PREFIX}/functions/{function}/{name}"
