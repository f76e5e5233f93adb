"""What happened since a slim package was deployed, as plain data."""

from dataclasses import dataclass

from deployer.evidence.misses import Aftermath


@dataclass(frozen=True)
class Since:
    """What the log tells of the time since the slim package was deployed."""

    since: str
    """When it was deployed, RFC 3339."""
    until: str
    """When the log was read, RFC 3339."""
    log: Aftermath
    partial: bool
    """Whether the log holds more than was read."""
    mend: str
    """The command that keeps what was missing; empty where nothing was."""
    back: str
    """The command that leads back to what was there before."""
