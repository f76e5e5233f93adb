"""A layer and the evidence below /opt become the layer's own whitelist, by the same passes as a package."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from deployer.models.evidence import Evidence, PathEvidence
from deployer.models.package import Distribution, Kind, Package
from deployer.models.whitelist import Rules, Whitelist
from deployer.package import links
from deployer.whitelist.choose import choose_by
from deployer.whitelist.user_rules import OPT, of_layers

_SPECIAL: Final = re.compile(r"([\\*?\[\]! #])")


def left_alone(package: Package) -> str:
    """Why this layer cannot be pruned by what was seen; empty where it can.

    Extensions run beside the runtime, started by Lambda itself, where the probe does not see them
    (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
    """
    if any(path.startswith("extensions/") for path in package.entries):
        return "it holds an extension, which runs where the probe does not see it"
    if any(entry.kind is Kind.SYMLINK and entry.target.startswith("/") for entry in package.entries.values()):
        return "it holds a symlink to an absolute path"
    return ""


def choose_layer(
    package: Package,
    distributions: Iterable[Distribution],
    evidence: Sequence[Evidence],
    rules: Rules,
    environment: Iterable[str],
) -> Whitelist:
    """Decide on every path of a layer, relative to /opt: kept or dropped, with its reason.

    Where layers hold the same path the last one's is seen; a path that was touched is kept in each of them.

    Args:
        evidence: of the package first, then of those probed before it: a layer's version never changes.
        rules: those of the user that begin with ``/opt/`` keep or drop what they match.
        environment: values of the function's variables: what they name below /opt is kept.
    """
    named = (word for value in environment for word in value.split(":") if word.startswith(OPT))
    files = (path for path in named if _is_file(package, path.removeprefix(OPT)))
    own = of_layers(rules)
    keep = (*(f"/{_literal(path.removeprefix(OPT))}" for path in files), *own.keep)
    return choose_by(Rules(keep, own.drop), package, distributions, _within(package, evidence))


def _within(package: Package, evidence: Sequence[Evidence]) -> Evidence:
    """What was touched of this one layer, by paths relative to /opt."""
    paths: dict[str, PathEvidence] = {}
    for one in reversed(evidence):
        for path, seen in one.paths.items():
            inside = path.removeprefix(OPT)
            if path.startswith(OPT) and _is_there(package, inside):
                paths[inside] = seen
    return replace(evidence[0], package=package.label, paths=paths)


def _is_there(package: Package, path: str) -> bool:
    return path in package.entries or any(links.follow(package.entries, path)[:2])


def _is_file(package: Package, path: str) -> bool:
    return path in package.entries and package.entries[path].kind is not Kind.DIRECTORY


def _literal(path: str) -> str:
    """The path as a pattern that matches it alone."""
    return _SPECIAL.sub(r"\\\1", path)
