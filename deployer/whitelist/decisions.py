"""Turns what was found to be kept into a Whitelist: each path of the package with its decision."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from deployer.models.whitelist import Decision, Reason, Whitelist
from deployer.whitelist.closure import Found
from deployer.whitelist.inventory import installed
from deployer.whitelist.package_index import PackageIndex
from deployer.whitelist.user_rules import Matched
from deployer.words import counted


def decided(
    index: PackageIndex,
    found: Mapping[str, Found],
    unneeded: Mapping[str, tuple[Reason, str]],
    warnings: tuple[str, ...],
) -> Whitelist:
    """Return every path kept as it was found, or dropped for the reason given."""
    decisions = {}
    for path, entry in index.entries.items():
        kept = path in found
        reason, because = found[path][1:] if kept else unneeded[path]
        decisions[path] = Decision(path, kept, reason, because, entry.size, entry.crc32)
    present = tuple(installed(index.package, distribution) for distribution in index.metadata.values())
    return Whitelist(index.package.label, decisions, warnings, present)


def by_rule(matched: Matched) -> list[Found]:
    """Return the decisions of keep rules."""
    return [Found(path, Reason.RULE_KEEP, f"keep rule {rule!r}") for path, rule in matched.kept.items()]


def by_rule_dropped(matched: Matched) -> dict[str, tuple[Reason, str]]:
    """Return the decisions of drop rules."""
    return {path: (Reason.RULE_DROP, f"drop rule {rule!r}") for path, rule in matched.dropped.items()}


def drop_stale(whitelist: Whitelist, stale: Collection[str]) -> Whitelist:
    """Return the whitelist without bytecode that Python would run in place of a source that was changed since.

    Args:
        whitelist: of a package.
        stale: paths of that bytecode.
    """
    if not stale:
        return whitelist
    because = "its source was changed since, and Python would not compare the two"
    dropped = {path: whitelist.decisions[path] for path in sorted(stale)}
    gone = {path: replace(one, kept=False, reason=Reason.STALE, because=because) for path, one in dropped.items()}
    warning = f"Dropped, as the source was changed since: {count(dropped)}. What is kept is compiled anew."
    return replace(whitelist, decisions={**whitelist.decisions, **gone}, warnings=(*whitelist.warnings, warning))


def count(paths: Iterable[str]) -> str:
    """Return a list of paths in words: ``12 paths (a, b, c, …)``."""
    names = list(paths)
    more = ", …" if len(names) > 3 else ""
    return f"{counted(len(names), 'path')} ({', '.join(names[:3])}{more})"
