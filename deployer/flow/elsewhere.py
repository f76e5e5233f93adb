"""Aliases that lead elsewhere: a version is frozen, so a probe in ``$LATEST`` sees none of its traffic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.aws import Aws
from deployer.errors import CloudError
from deployer.instrumentation.configure import is_armed
from deployer.models.function import Function, Routing

LATEST = "$LATEST"


@dataclass(frozen=True)
class Elsewhere:
    """The aliases of a function that do not lead to what is in its ``$LATEST``."""

    function: str
    aliases: Mapping[str, Routing]

    def unprobed(self) -> tuple[str, ...]:
        """Say which traffic a probe in ``$LATEST`` does not see, and the command by which it does."""
        return tuple(
            f"The alias {alias} leads to {to}, not to $LATEST: the probe sees nothing of its traffic. To have it see "
            f"that, publish the probe and lead {alias} to it: ldeploy probe {self.function} --alias {alias}"
            for alias, to in self._all()
        )

    def unshrunk(self) -> tuple[str, ...]:
        """Say which traffic gets another package than the slim one, and the command that mends it."""
        return tuple(
            f"The alias {alias} leads to {to}, not to the slim package: ldeploy shrink {self.function} --alias {alias} "
            "moves it there"
            for alias, to in self._all()
        )

    def _all(self) -> Iterator[tuple[str, Routing]]:
        return iter(sorted(self.aliases.items()))


def of_versions(aws: Aws, function: str, but: str = "") -> Elsewhere:
    """Find the aliases that lead to a version: what is put into ``$LATEST`` next does not reach them.

    Args:
        aws: the account.
        function: its name.
        but: the alias that is moved anyway.
    """
    try:
        aliases = aws.releases.aliases(function)
    except CloudError:  # what may not be looked up stops nothing
        return Elsewhere(function, {})
    return Elsewhere(function, {alias: to for alias, to in aliases.items() if alias != but and to.version != LATEST})


def of_other_code(aws: Aws, found: Function) -> Elsewhere:
    """Find the aliases that lead to a version which holds something else than ``$LATEST`` does now."""
    led = of_versions(aws, found.name)
    try:
        versions = {version for to in led.aliases.values() for version in (to.version, *to.weights)}
        same = {one for one in versions if _is_same(found, aws.functions.get_version(found.name, one))}
    except CloudError:
        return Elsewhere(found.name, {})
    return Elsewhere(
        found.name, {alias: to for alias, to in led.aliases.items() if not {to.version, *to.weights} <= same}
    )


def _is_same(found: Function, version: Function) -> bool:
    armed = [is_armed(one.configuration) for one in (found, version)]
    return version.code_sha256 == found.code_sha256 and armed[0] == armed[1]
