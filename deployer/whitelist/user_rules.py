"""Matches the user's keep and drop rules with a package or a layer: patterns as in .gitignore."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore import GitIgnorePatternError

from deployer.errors import UsageError
from deployer.models.package import Kind, Package
from deployer.models.whitelist import Rules

OPT: Final = "/opt/"
"""Where Lambda lays the layers over each other: a rule that begins with it is for layers."""


@dataclass(frozen=True)
class Matched:
    """Paths with the rule that matched them, and what the user should know."""

    kept: Mapping[str, str]
    dropped: Mapping[str, str]
    """Without those that a keep rule matches: keeping wins."""
    warnings: tuple[str, ...]


def of_package(rules: Rules) -> Rules:
    """Return the rules for the package itself."""
    keep, drop = (tuple(rule for rule in each if not rule.startswith(OPT)) for each in (rules.keep, rules.drop))
    return Rules(keep, drop)


def of_layers(rules: Rules) -> Rules:
    """Return the rules for layers, relative to /opt."""
    root = OPT.rstrip("/")
    keep, drop = (
        tuple(rule.removeprefix(root) for rule in each if rule.startswith(OPT)) for each in (rules.keep, rules.drop)
    )
    return Rules(keep, drop)


def exactly(path: str, *, folder: bool = False) -> str:
    """Return the rule that means this path of a package alone, or all that lies in this folder.

    A sign that no line can hold becomes ``?``, which means any sign.
    """
    escaped = re.sub(r"([\\*?\[\]!#])", r"\\\1", path)
    escaped = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "?", escaped)
    return f"/{escaped.removesuffix(' ')}{chr(92) + ' ' if escaped.endswith(' ') else ''}{'/' if folder else ''}"


def matching(pattern: str, paths: Collection[str]) -> frozenset[str]:
    """Return the paths of files that one pattern matches.

    Raises:
        UsageError: .gitignore would not know the pattern.
    """
    spec = _spec((pattern,))
    return frozenset(path for path in paths if spec.match_file(path))


def match(rules: Rules, package: Package) -> Matched:
    """Return which paths the rules keep and drop.

    Raises:
        UsageError: a rule is not a pattern of .gitignore.
    """
    kept, idle = _matches(rules.keep, package)
    dropped, idle_drops = _matches(rules.drop, package)
    warnings = [f"The keep rule {rule!r} matches nothing in the package." for rule in idle]
    warnings += [f"The drop rule {rule!r} matches nothing in the package." for rule in idle_drops]
    return Matched(kept, {path: rule for path, rule in dropped.items() if path not in kept}, tuple(warnings))


def _matches(patterns: tuple[str, ...], package: Package) -> tuple[dict[str, str], list[str]]:
    """Return each path with the rule that took it, and the rules that match no path at all."""
    if not patterns:
        return {}, []
    spec = _spec(patterns)
    # A pattern that ends in a slash matches directories: they are to be known by it.
    names = {path: f"{path}/" if entry.kind is Kind.DIRECTORY else path for path, entry in package.entries.items()}
    results = {path: spec.check_file(name) for path, name in names.items()}
    matched = {
        path: patterns[found.index] for path, found in results.items() if found.include and found.index is not None
    }
    used = set(matched.values())
    idle = [
        rule
        for rule, pattern in zip(patterns, spec.patterns, strict=True)
        if pattern.include and rule not in used and not any(map(pattern.match_file, names.values()))
    ]
    return matched, idle


def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns, backend="simple")
    except GitIgnorePatternError as error:
        raise UsageError(
            f"A keep or drop rule is not a pattern: {error}.", "Write it as in .gitignore, for example 'mypkg/data/'."
        ) from error
