"""What a command works with and what it was asked for; the flow knows no other surroundings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.aws import Aws
from deployer.deploy.executor import Execution
from deployer.deploy.planner import Step, Steps
from deployer.deploy.prune_layers import Layering
from deployer.flow.load_package import Intake
from deployer.flow.slimming import Slimmer
from deployer.models.function import Configuration, Function
from deployer.models.whitelist import Rules, Whitelist
from deployer.notices import Notices
from deployer.slim import Settings
from deployer.sources.base import Via, source
from deployer.sources.reader import Reader, Window
from deployer.state.workspace import Workspace


@dataclass(frozen=True)
class Run:
    """One command's surroundings."""

    aws: Aws
    workspace: Workspace
    notices: Notices
    now: Callable[[], int]
    """Milliseconds since 1970."""
    agreed: Callable[[Steps], bool]
    """Whether the user wants these steps; never with ``--plan``."""
    after: Callable[[Step], Any] = lambda step: None  # noqa: ARG005
    """Called when a step is done."""

    def reader(self, via: Via) -> Reader:
        """Of the function's log."""
        return Reader(source(self.aws, via), self.workspace, self.notices)

    @property
    def slimmer(self) -> Slimmer:
        """Of the function's package."""
        return Slimmer(self.aws.storage, self.workspace, self.notices)

    def layering(self, bucket: str) -> Layering:
        """Of the function's layers."""
        return Layering(self.aws.functions, self.aws.storage, self.workspace, self.notices, bucket)

    def intake(self, bucket: str) -> Intake:
        """Of a full package, on its way to the bucket."""
        return Intake(self.aws, self.workspace, self.notices, bucket)

    def carry_out(self, steps: Steps, found: Function | None) -> Execution | None:
        """The plan, if the user agrees; None where only the plan was wanted."""
        return self.execute(steps, found) if self.agreed(steps) else None

    def execute(self, steps: Steps, found: Function | None) -> Execution:
        """The plan, without asking."""
        execution = Execution(self.aws, self.workspace, self.notices, found)
        execution.carry_out(steps, self.after)
        return execution


@dataclass(frozen=True)
class ProbeWanted:
    """What ``probe`` was asked for."""

    function: str
    package: str | None
    bucket: str
    make_bucket: bool
    create: Configuration | None
    memory: int | None
    timeout: int | None
    events: Path | None
    sample: float
    """The share of sandboxes that report."""
    attach_policy: bool = False
    """Whether the role may be given leave to read a package that is over the limit."""


@dataclass(frozen=True)
class ShrinkWanted:
    """What ``shrink`` was asked for."""

    function: str
    rules: Rules
    window: Window
    min_sandboxes: int
    earlier: Whitelist | None
    """Its kept paths stay kept."""
    settings: Settings
    via: Via
    attach_policy: bool = False


@dataclass(frozen=True)
class DeployWanted:
    """What ``deploy`` was asked for."""

    function: str
    package: str
    bucket: str
    whitelist: Whitelist
    rules: Rules
    settings: Settings
    attach_policy: bool = False
