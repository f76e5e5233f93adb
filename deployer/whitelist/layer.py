"""Makes the whitelist of a layer from the evidence below /opt, by the same passes as for a package."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from deployer.models.evidence import Evidence, PathEvidence
from deployer.models.package import Examined, Kind, Package
from deployer.models.whitelist import Rules, Whitelist
from deployer.package import links
from deployer.whitelist.choose import choose
from deployer.whitelist.surroundings import Surroundings
from deployer.whitelist.user_rules import OPT

_EXTENSIONS: Final = "extensions/"
"""The folder whose files Lambda starts beside the runtime
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html)."""


def extensions(package: Package) -> tuple[str, ...]:
    """Return the names of the external extensions that a layer holds."""
    names = (path.removeprefix(_EXTENSIONS) for path in package.entries if path.startswith(_EXTENSIONS))
    return tuple(name for name in names if "/" not in name)


def left_alone(package: Package) -> str:
    """Return why this layer cannot be pruned by what was seen; empty where it can."""
    if extensions(package):
        return "it holds an extension, which runs where the probe does not see it"
    if any(entry.kind is Kind.SYMLINK and entry.target.startswith("/") for entry in package.entries.values()):
        return "it holds a symlink to an absolute path"
    return ""


def choose_layer(examined: Examined, evidence: Sequence[Evidence], rules: Rules, around: Surroundings) -> Whitelist:
    """Decide on every path of a layer, relative to /opt: kept or dropped, with its reason.

    Where layers hold the same path the last one's is seen; a path that was touched is kept in each of them.

    Args:
        examined: the layer.
        evidence: of the package first, then of those probed before it: a layer's version never changes.
        rules: those of the user that begin with ``/opt/`` keep or drop what they match.
        around: what the function's configuration tells: what its variables name below /opt is kept.
    """
    return choose(examined, _within(examined.package, evidence), rules, replace(around, handler="", root=OPT))


def _within(package: Package, evidence: Sequence[Evidence]) -> Evidence:
    """Return what was touched of this one layer, by paths relative to /opt."""
    paths: dict[str, PathEvidence] = {}
    for one in reversed(evidence):
        for path, seen in one.paths.items():
            inside = path.removeprefix(OPT)
            if path.startswith(OPT) and _is_there(package, inside):
                paths[inside] = seen
    return replace(evidence[0], package=package.label, paths=paths)


def _is_there(package: Package, path: str) -> bool:
    return path in package.entries or any(links.follow(package.entries, path)[:2])
