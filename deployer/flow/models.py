"""What each command of the flow is asked for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deployer.deploy.prune_layers import LayerPlan
from deployer.flow.load_package import LoadedPackage
from deployer.models.evidence import Evidence
from deployer.models.function import Configuration, Function, Routing
from deployer.models.settings import Settings
from deployer.models.whitelist import Rules, Whitelist
from deployer.sources.reader import Window
from deployer.state.shift import Canary
from deployer.state.stages import Act
from deployer.state.state import State


@dataclass(frozen=True)
class ProbeRequest:
    """What ``probe`` is asked for."""

    function: str
    package: str | None
    """A folder, a zip or ``s3://bucket/key``; None for the function's present code."""
    bucket: str
    make_bucket: bool
    create: Configuration | None
    """Configuration of a function that is created; None where it must exist."""
    memory: int | None
    """MB while the probe is in; None leaves it."""
    timeout: int | None
    """Seconds while the probe is in; None leaves it."""
    events: Path | None
    """A folder of events to send."""
    sample: float
    """The share of sandboxes that report."""
    attach_policy: bool = False
    """Whether the role may be given permission to read a package over the limit."""
    alias: str = ""
    """The alias that is led to the probe, published as a version; empty for none."""
    over_weights: bool = False
    """Whether that is done where somebody else shares its traffic by weights."""
    cold: int = 0
    """To so many fresh sandboxes the events are sent; 0 takes those that there are."""


@dataclass(frozen=True)
class Delivery:
    """How a slim package comes to the function."""

    attach_policy: bool = False
    """Whether the role may be given permission to read what stays in S3."""
    trial: Literal["before", "after"] = "before"
    """Whether recorded events are tried before traffic sees the package, or after."""
    alias: str | None = ""
    """Through which traffic comes; empty where ``$LATEST`` is called; None for the function's only alias."""
    canary: Canary | None = None
    """How traffic is shifted; None where all of it goes to the new version at once."""
    over_weights: bool = False
    """Whether an alias is moved whose traffic somebody else shares by weights."""
    led_to: Routing | None = None
    """Where the alias leads before."""
    ignore: tuple[str, ...] = ()
    """JSON paths of what may differ in the answers of a trial."""
    max_slower: float | None = None
    """So many times the full package's time may the new one take in a trial."""


@dataclass(frozen=True)
class ShrinkRequest:
    """What ``shrink`` is asked for."""

    function: str
    rules: Rules
    window: Window
    min_sandboxes: int
    earlier: Whitelist | None
    """Its kept paths stay kept."""
    settings: Settings
    via: str
    """A name of deployer/sources/__init__.py."""
    delivery: Delivery = field(default_factory=Delivery)
    allow_lost: bool = False
    """Whether to go on where records are lost and few sandboxes hold the rest."""
    together: frozenset[str] = frozenset()
    """The functions of the call: what they share is pruned by the evidence of all."""


@dataclass(frozen=True)
class RestoreRequest:
    """What ``restore`` is asked for."""

    function: str
    over_others: bool = False
    """Also where somebody else has changed what would be put back."""
    nearest: bool = False
    """Also where a part of what was there before is gone: then the nearest to it."""


@dataclass(frozen=True)
class DeployRequest:
    """What ``deploy`` is asked for."""

    function: str
    package: str
    bucket: str
    whitelist: Whitelist
    rules: Rules
    settings: Settings
    delivery: Delivery = field(default_factory=Delivery)


@dataclass(frozen=True)
class RedeployRequest:
    """A whitelist that was chosen for a full package, and what the slim package replaces."""

    found: Function
    full: LoadedPackage
    whitelist: Whitelist
    settings: Settings
    layers: LayerPlan
    """Without the probe, with the user's own layers or pruned ones."""
    evidence: Evidence
    """Empty where the whitelist was carried over."""
    begun: State
    """The state when the redeployment begins."""
    earlier: State
    """The state before: a failed trial leads back to it."""
    act: Act
    """SHRINK or DEPLOY."""
    delivery: Delivery
    same_code: bool
    """Whether the full package is the one that answered the recorded events: then the answers must be the same."""
