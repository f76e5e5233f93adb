"""What ldeploy keeps of a function between two runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from deployer.models.function import Configuration, StoredZip
from deployer.state.stages import Act, Stage, next_stage

_EARLIER: Final = 8
"""Packages of earlier commands that are known as ldeploy's own."""


@dataclass(frozen=True)
class Answer:
    """What an event was answered with, so that a later package can be compared: digests, never contents."""

    digest: str
    """SHA-256 of the answer as canonical JSON."""
    failed: bool
    """The function raised, or its sandbox died."""
    event: str = ""
    """SHA-256 of the event; an event that was changed since is another one."""
    shape: Any = field(default=None, compare=False)
    """The answer with a digest in the place of each value, in the bucket's copy alone; None where it is no JSON."""
    init_ms: float | None = field(default=None, compare=False)
    """How long the sandbox took to start; None for a warm one."""
    duration_ms: float | None = field(default=None, compare=False)
    memory_mb: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ProbePeriod:
    """A package's time with the probe in: where its records lie in the log."""

    label: str
    log_group: str
    since: int
    """Milliseconds since 1970."""
    until: int
    """When another package was probed; records may come for a while after that."""
    mark: str = ""
    """What the records carry in the label's place, where a template put the probe in."""
    nonce: str = ""
    """What the records carry beside the label; empty before there were nonces."""

    @property
    def key(self) -> str:
        """Tells it from other times of the same package whose records carry something else."""
        return f"{self.label}-{self.mark}-{self.since}" if self.mark else self.carried

    @property
    def carried(self) -> str:
        """What its records carry as their package."""
        return self.mark or carried(self.label, self.nonce)


def carried(label: str, nonce: str) -> str:
    """Return what the records of a package's deployment carry, by its label and nonce."""
    return f"{label}-{nonce}" if nonce else label


@dataclass(frozen=True)
class Baseline:
    """What was there before ldeploy: what restore leads back to."""

    configuration: Configuration
    code: StoredZip
    """Copied to S3."""
    alias: str = ""
    """The alias that ldeploy moved; empty where it moved none."""
    alias_version: str = ""
    """The version that it led to."""
    alias_weights: Mapping[str, float] = field(default_factory=dict)
    """A second version that it led to -> its share of the traffic."""


@dataclass(frozen=True)
class Packages:
    """The zips that ldeploy deploys."""

    full: StoredZip
    slim: StoredZip | None = None
    stub: StoredZip | None = None
    """What is deployed in the full package's place while it is probed, where that is over Lambda's limit."""
    earlier: tuple[StoredZip, ...] = ()
    """What earlier commands deployed, the newest last: it is there until the next one has replaced it."""

    @property
    def replaced(self) -> tuple[StoredZip, ...]:
        """What is known as ldeploy's own when others take the place of these."""
        known = {one.sha256: one for one in (*self.earlier, self.full, self.stub, self.slim) if one and one.sha256}
        return tuple(known.values())[-_EARLIER:]

    @property
    def probed(self) -> StoredZip:
        """What is deployed while the full package is probed."""
        return self.stub or self.full


@dataclass(frozen=True)
class Probe:
    """The probe that is in, or was in last."""

    configuration: Configuration
    """What the probe asked for, the probe itself left out."""
    log_group: str
    since: int
    """When it was put in: milliseconds since 1970; 0 where this package was deployed without it."""
    sample: float = 1.0
    """The share of sandboxes that report."""
    mark: str = ""
    """What the records carry in the label's place, where a template put the probe in."""
    layers_since: Mapping[str, int] = field(default_factory=dict)
    """ARN of a layer -> when the first probe with it began: milliseconds since 1970."""
    nonce: str = ""
    """What the records carry beside the label, so that nobody who does not know it can forge one; empty in states of
    before there was one."""


@dataclass(frozen=True)
class Recorded:
    """The events that ``probe --invoke`` sent, and their answers."""

    folder: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Event file -> what it was answered with under the full package."""


@dataclass(frozen=True)
class State:
    """What ldeploy keeps of a function; written before the first change, in S3 and on this machine."""

    function: str
    stage: Stage
    bucket: str
    """Where ldeploy keeps its own: slim packages, the code before, this state."""
    baseline: Baseline
    packages: Packages
    probe: Probe
    recorded: Recorded = field(default_factory=Recorded)
    earlier: tuple[ProbePeriod, ...] = ()
    """The packages that were probed before this one, the newest last."""
    pruned: Mapping[str, str] = field(default_factory=dict)
    """ARN of a pruned layer of ours -> that of the layer it was made of."""
    serial: int = 0
    """Counts the writes: of two copies the higher is the newer."""
    arn: str = ""
    """Of the function; empty until one that was to be created is there."""
    policies: tuple[str, ...] = ()
    """Names of the policies that ldeploy attached to its role."""
    left: Configuration | None = None
    """The configuration as ldeploy left it last: what differs from it now was changed by somebody else."""

    def after(self, act: Act) -> "State":
        """Return the state at the stage that the act leads to.

        Raises:
            WorkspaceError: the act may not happen at this stage.
        """
        return replace(self, stage=next_stage(self.stage, act))

    def with_slim(self, slim: StoredZip | None) -> "State":
        """Return the state with another slim package."""
        return replace(self, packages=replace(self.packages, slim=slim, earlier=self.packages.replaced))
