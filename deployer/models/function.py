"""A Lambda function as ldeploy sees it, and what ldeploy remembers of it between two runs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from deployer.errors import UsageError, WorkspaceError

STATE_VERSION = 1

PREFIX = "ldeploy"
"""Everything of ours in a bucket lies below this."""

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
    """A function given by name, partial ARN or ARN.

    Raises:
        UsageError: the text is neither, or carries a version or alias: ldeploy works on ``$LATEST``.
    """
    match = _ARN.fullmatch(name_or_arn)
    if match is None:
        raise UsageError(
            f"'{name_or_arn}' is not a function's name or ARN without a version.",
            "Give the name alone: ldeploy works on $LATEST.",
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
    """What was found of a function in AWS."""

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
    modified: int = 0
    """When code or configuration were changed last: milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class StoredZip:
    """A package's zip in S3, and what is known of it."""

    bucket: str
    key: str
    sha256: str
    """Hex; empty until Lambda has said it, for a zip that the user keeps in S3."""
    zip_bytes: int
    bytes: int = 0
    """Unpacked; 0 where it was never indexed."""
    files: int = 0
    label: str = ""
    """The package's label, as log records carry it."""

    @property
    def uri(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    def __str__(self) -> str:
        """For people: of the hash as much as tells zips apart."""
        return self.uri.replace(self.sha256, f"{self.sha256[:12]}…") if self.sha256 else self.uri


def package_key(sha256: str) -> str:
    """Where a package's zip lies in the bucket."""
    return f"{PREFIX}/{sha256}.zip"


def function_key(function: str, name: str) -> str:
    """Where a file of a function's workspace lies in the bucket."""
    return f"{PREFIX}/functions/{function}/{name}"


class Stage(StrEnum):
    """How far ldeploy has come with a function; the -ing stages are those that a cut-off run leaves."""

    PROBING = "probing"
    PROBED = "probed"
    SHRINKING = "shrinking"
    SHRUNK = "shrunk"
    RESTORING = "restoring"
    RESTORED = "restored"


@dataclass(frozen=True)
class Answer:
    """What an event was answered with, so that a later package can be held to it: digests, never contents."""

    digest: str
    """SHA-256 of the answer as canonical JSON."""
    failed: bool
    """The function raised, or its sandbox died."""
    event: str = ""
    """SHA-256 of the event; an event that was changed since is another one."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A package's time with the probe in: where its records lie in the log."""

    label: str
    log_group: str
    since: int
    """Milliseconds since 1970."""
    until: int
    """When another package was probed; records may come for a while after that."""
    mark: str = ""
    """What the records carry in the label's place, where a template put the probe in."""

    @property
    def key(self) -> str:
        """Tells it from other times of the same package whose records carry something else."""
        return f"{self.label}-{self.mark}-{self.since}" if self.mark else self.label


@dataclass(frozen=True)
class State:
    """What ldeploy remembers of a function; written before the first change, locally and in S3."""

    function: str
    stage: Stage
    bucket: str
    """Where ldeploy keeps its own: slim packages, the code before, this state."""
    before: Configuration
    """The configuration before the probe: what restore leads back to."""
    before_code: StoredZip
    """The code before the probe, copied to S3."""
    full: StoredZip
    """The full package."""
    log_group: str
    probed_at: int
    """When the probe was put in: milliseconds since 1970; 0 where this package was deployed without it."""
    probed: Configuration
    """The configuration that the probe asked for, the probe itself left out."""
    sample: float = 1.0
    """The share of sandboxes that report."""
    slim: StoredZip | None = None
    stub: StoredZip | None = None
    """What is deployed in the full package's place while it is probed, where that is over Lambda's limit."""
    events: str = ""
    """The folder of events that ``probe --invoke`` sent."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Event file -> what it was answered with under the full package."""
    earlier: tuple[Probed, ...] = ()
    """The packages that were probed before this one, the newest last."""
    pruned: Mapping[str, str] = field(default_factory=dict)
    """ARN of a pruned layer of ours -> that of the layer it was made of."""
    layers_since: Mapping[str, int] = field(default_factory=dict)
    """ARN of a layer -> when the first probe with it began: milliseconds since 1970."""
    serial: int = 0
    """Counts the writes: of two copies the higher is the newer."""
    arn: str = ""
    """Of the function; empty until one that was to be created is there."""
    policies: tuple[str, ...] = ()
    """Names of the policies that ldeploy attached to its role."""
    mark: str = ""
    """What the records carry in the label's place, where a template put the probe in."""

    @property
    def probe_code(self) -> StoredZip:
        """What is deployed while the full package is probed."""
        return self.stub or self.full


def state_from(document: Any) -> State:
    """A State from the document that ``dataclasses.asdict`` made of it.

    Raises:
        WorkspaceError: the document is not one of ours, or of a version that this ldeploy does not know.
    """
    try:
        fields = dict(document)
        if fields.pop("version") != STATE_VERSION:
            raise WorkspaceError(
                "The state that was left is of another version of ldeploy.",
                "Run the ldeploy that wrote it, or restore the function by hand from its published version.",
            )
        for name in ("before", "probed"):
            fields[name] = _configuration(fields[name])
        for name in ("before_code", "full", "slim", "stub"):
            fields[name] = StoredZip(**fields[name]) if fields.get(name) else None
        fields["answers"] = {event: Answer(**answer) for event, answer in fields["answers"].items()}
        fields["earlier"] = tuple(Probed(**probed) for probed in fields.get("earlier", ()))
        fields["policies"] = tuple(fields.get("policies", ()))
        fields["stage"] = Stage(fields["stage"])
        return State(**fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WorkspaceError(
            f"The state that was left cannot be read ({type(error).__name__}).",
            "Take the copy in S3 (remove .ldeploy/<function>/state.json) or restore by hand.",
        ) from error


def _configuration(fields: dict[str, Any]) -> Configuration:
    return Configuration(**{**fields, "layers": tuple(fields["layers"])})
