"""The steps by which a shift of traffic begins."""

from dataclasses import dataclass

from deployer.state.shift import Shift
from deployer.words import duration


@dataclass(frozen=True)
class BeginShift:
    """What a shift leads back to, written down in S3."""

    bucket: str
    shift: Shift

    def __str__(self) -> str:
        return f"write down what the shift of {self.shift.alias} leads back to"


@dataclass(frozen=True)
class ShareAlias:
    """A part of the alias's traffic goes to the new version, and is watched; then all of it does, or none."""

    function: str
    shift: Shift
    """Its version is empty until it is published."""

    def __str__(self) -> str:
        canary, version = self.shift.canary, self.shift.version
        where = f"version {version}" if version else "the new version"
        return (
            f"send {canary.share:.0%} of the traffic of the alias {self.shift.alias} of {self.function} to {where} for "
            f"{duration(canary.duration)} and watch it; then all of it, or go back"
        )
