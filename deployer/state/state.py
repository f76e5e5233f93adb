"""What ldeploy remembers of a function between two runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from deployer.models.function import Configuration, StoredZip
from deployer.versioned import Form

FORM: Final = Form(
    "The state that was left",
    1,
    "Take the copy in S3 (remove .ldeploy/<function>/state.json) or restore by hand.",
    "Run the ldeploy that wrote it, or restore the function by hand from its published version.",
)


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
    return FORM.build(document, _state)


def _state(fields: dict[str, Any]) -> State:
    for name in ("before", "probed"):
        fields[name] = _configuration(fields[name])
    for name in ("before_code", "full", "slim", "stub"):
        fields[name] = StoredZip(**fields[name]) if fields.get(name) else None
    fields["answers"] = {event: Answer(**answer) for event, answer in fields["answers"].items()}
    fields["earlier"] = tuple(Probed(**probed) for probed in fields.get("earlier", ()))
    fields["policies"] = tuple(fields.get("policies", ()))
    fields["stage"] = Stage(fields["stage"])
    return State(**fields)


def _configuration(fields: dict[str, Any]) -> Configuration:
    return Configuration(**{**fields, "layers": tuple(fields["layers"])})
