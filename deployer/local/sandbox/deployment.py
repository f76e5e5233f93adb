"""What an invocation needs to know of a function: one version's code and configuration, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LogSettings:
    """LoggingConfig, with Lambda's defaults filled in."""

    group: str
    shared: bool = False
    """The group is not the function's own: streams carry its name."""
    json: bool = False
    application_level: str = "INFO"
    system_level: str = "INFO"


@dataclass(frozen=True)
class Deployment:
    """One version of a function as sandboxes are made from it."""

    account: str
    region: str
    name: str
    version: str
    revision: str
    """Changes with each update; a sandbox never outlives its own."""
    handler: str
    runtime: str
    architecture: str
    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    logs: LogSettings
    code: str
    """SHA-256 (hex) of the zip."""
    layers: tuple[str, ...] = ()
    """SHA-256 (hex) of each layer's zip, in the order in which they are merged."""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Which sandboxes may serve it, whatever their revision."""
        return (self.account, self.region, self.name, self.version)
