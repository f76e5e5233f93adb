"""What may go of what ldeploy made: whatever a way back, an alias or anybody else needs stays."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deployer.aws.leftovers import LayerVersion, Version
from deployer.deploy.permissions import policy_name
from deployer.models.function import Routing, StoredZip, function_key
from deployer.state.stages import Stage
from deployer.state.state import State

NOTES: Final = ("before ldeploy probe of ", "ldeploy probe of ", "ldeploy shrink of ")
"""How the descriptions of versions begin that ldeploy publishes: all others are somebody else's."""
LAYER_NOTES: Final = ("ldeploy probe ", "ldeploy start ", "ldeploy, pruned: ")
YOUNG_MS: Final = 60 * 60 * 1000
"""A layer version stays so long: a probe of another function may be about to use it."""
LATEST: Final = "$LATEST"


@dataclass(frozen=True)
class Seen:
    """What was found of a function."""

    state: State
    versions: tuple[Version, ...]
    aliases: Mapping[str, Routing]
    provisioned: Collection[str]
    """Versions and aliases with provisioned concurrency."""


def versions_to_go(seen: Seen) -> tuple[Version, ...]:
    """Return the versions that ldeploy published and nothing leads to.

    Kept are those of aliases (weights too), those with provisioned concurrency, where the state's alias led before,
    and until the function is restored, the newest that holds what was there before.
    """
    state = seen.state
    led = {version for to in seen.aliases.values() for version in (to.version, *to.weights)}
    kept = {LATEST, state.baseline.alias_version, *state.baseline.alias_weights, *led, *seen.provisioned}
    if state.stage is not Stage.RESTORED:
        before = [one.number for one in seen.versions if one.sha256 == state.baseline.code.sha256]
        kept |= set(sorted((one for one in before if one != LATEST), key=int)[-1:])
    return tuple(one for one in seen.versions if one.number not in kept and one.note.startswith(NOTES))


def layers_to_go(layers: Collection[LayerVersion], used: Collection[str], now: int) -> tuple[LayerVersion, ...]:
    """Return the layer versions of ours that no version of any function uses."""
    return tuple(
        one
        for one in layers
        if one.arn not in used and one.note.startswith(LAYER_NOTES) and now - one.created > YOUNG_MS
    )


def zips_to_go(state: State, keys: Collection[tuple[str, int]], read: Collection[str]) -> tuple[tuple[str, int], ...]:
    """Return the zips in the function's folder that neither the state names nor what is deployed reads.

    Args:
        state: of the function.
        keys: what is in the folder, and how big it is.
        read: keys that versions which stay read while they run.
    """
    named = {zipped.key for zipped in _named(state)}
    folder = function_key(state.function, "")
    return tuple(
        (key, size)
        for key, size in keys
        if key.endswith(".zip") and "/" not in key.removeprefix(folder) and key not in named and key not in read
    )


def _named(state: State) -> Iterator[StoredZip]:
    packages = state.packages
    yield from filter(None, (packages.full, packages.slim, packages.stub, state.baseline.code))


def policies_of_ours(function: str) -> frozenset[str]:
    """Return the names of the policies that ldeploy attaches for a function."""
    return frozenset(policy_name(function, kind) for kind in ("", "rest", "guard"))
