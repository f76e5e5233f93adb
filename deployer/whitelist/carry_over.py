"""Uses the whitelist or the evidence of an earlier build for a later one."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from deployer.models.evidence import Evidence, Touch
from deployer.models.package import Distribution, Examined, Kind, Package
from deployer.models.whitelist import Decision, Reason, Rules, Whitelist
from deployer.package import links
from deployer.whitelist import closure
from deployer.whitelist.closure import Found
from deployer.whitelist.decisions import by_rule, by_rule_dropped, count, decided
from deployer.whitelist.inventory import Earlier, changed, edited, installed, of_whitelist, unchanged
from deployer.whitelist.lean import completed
from deployer.whitelist.package_index import PackageIndex, index_package
from deployer.whitelist.surroundings import Surroundings, needed
from deployer.whitelist.user_rules import match, of_package

_NO_RULES: Final = Rules()
_USED: Final = frozenset({Touch.READ, Touch.OPENED, Touch.LOADED, Touch.EXECUTED})


def carry_over(
    whitelist: Whitelist, examined: Examined, rules: Rules = _NO_RULES, around: Surroundings | None = None
) -> Whitelist:
    """Make the whitelist for a fresh build from the one made of an earlier build.

    What was kept is kept; what is new is kept, as nobody knows that it is not needed; a distribution that changed
    is kept whole, as its evidence is of another version, and so is a changed file of the function's own; what is
    dropped was dropped before, and is the same.

    Args:
        whitelist: of the earlier build.
        examined: the fresh build.
        rules: today's; those for layers (``/opt/...``) are left out, and what a drop rule took away before stays out.
        around: what the function's configuration tells, where there is a function to be asked.

    Raises:
        UsageError: a rule is not a pattern.
    """
    whitelist = completed(whitelist, examined)
    package, distributions = examined.package, examined.distributions
    index = index_package(examined)
    matched = match(of_package(rules), package)
    old = {path: decision for path, decision in whitelist.decisions.items() if path in package.entries}
    before = {path: decision.because for path, decision in old.items() if decision.reason is Reason.RULE_DROP}
    dropped = {path: rule for path, rule in before.items() if path not in matched.kept} | dict(matched.dropped)
    other = changed(of_whitelist(whitelist), package, distributions)
    own = edited(of_whitelist(whitelist), package, distributions)
    kept = [Found(path, decision.reason, decision.because) for path, decision in old.items() if decision.kept]
    fresh = [path for path in package.entries if path not in old]
    new = [Found(path, Reason.NEW, "it was not in the build that was probed") for path in fresh]
    rewritten = [Found(path, Reason.CHANGED, "it changed since the function was probed") for path in own]
    unseen = [*(needed(index, around) if around else ()), *closure.own_certificates(index)]
    seeds = [*by_rule(matched), *kept, *whole(other, "is not the one that was probed"), *rewritten, *new, *unseen]
    found = closure.grow(index, seeds, dropped)
    unneeded = {path: (decision.reason, decision.because) for path, decision in old.items()}
    warnings = (*matched.warnings, *_out_of_date(whitelist, other, own, _files(package, fresh)))
    carried = decided(index, found, unneeded | by_rule_dropped(matched), warnings)
    return replace(carried, runtime=whitelist.runtime, python=whitelist.python)


def changed_since(whitelist: Whitelist, package: Package, distributions: Iterable[Distribution]) -> tuple[str, ...]:
    """Yield the distributions that changed since a whitelist was made, such as ``numpy 1.26.4 → 2.0.0``."""
    before = {one.name: one.version for one in whitelist.installed}
    return tuple(version(before, one) for one in changed(of_whitelist(whitelist), package, distributions))


def keep_too(whitelist: Whitelist, earlier: Whitelist) -> Whitelist:
    """Return the whitelist with what an earlier one keeps; a drop rule of today wins."""
    decisions = dict(whitelist.decisions)
    for path, decision in decisions.items():
        before: Decision | None = earlier.decisions.get(path)
        if before and before.kept and not decision.kept and decision.reason is not Reason.RULE_DROP:
            decisions[path] = replace(decision, kept=True, reason=before.reason, because=before.because)
    return replace(whitelist, decisions=decisions)


def keep_all(whitelist: Whitelist, others: Iterable[Whitelist]) -> Whitelist:
    """Return the whitelist of a package that several functions share: what any of theirs keeps, whatever is dropped."""
    decisions = dict(whitelist.decisions)
    for other in others:
        for path, decision in other.decisions.items():
            known = decisions.get(path)
            if decision.kept and not (known and known.kept):
                decisions[path] = decision
    return replace(whitelist, decisions=dict(sorted(decisions.items())))


def still_valid(index: PackageIndex, earlier: Earlier) -> Evidence:
    """Return the evidence of an earlier package, without files that this package does not hold unchanged."""
    same = unchanged(earlier.inventory, index.package, index.metadata.values())
    paths = {path: seen for path, seen in earlier.evidence.paths.items() if same.issuperset(_way(index, path))}
    return replace(earlier.evidence, paths=paths)


def not_seen_again(index: PackageIndex, evidence: Evidence, earlier: Sequence[Earlier]) -> list[Distribution]:
    """Return the distributions that changed since an earlier probe, and that no sandbox has used since.

    Changed: an earlier package held one of that name, and none held its equal. Used: a sandbox of this package
    opened, loaded or executed one of its files; its metadata does not count, as whoever looks for entry points reads
    that of every distribution.
    """
    known = {one for each in earlier for one in each.inventory.installed}
    names = {_plain(one.name) for one in known}
    used = {path for path, seen in evidence.paths.items() if seen.touches & _USED}
    used |= {end for path in used for end in _way(index, path)}
    return [
        distribution
        for distribution in index.metadata.values()
        if _plain(distribution.name) in names
        and installed(index.package, distribution) not in known
        and not any(path in used for path in distribution.files if not path.startswith(f"{distribution.folder}/"))
    ]


def whole(distributions: Iterable[Distribution], why: str) -> Iterator[Found]:
    """Return every file of these distributions."""
    for one in distributions:
        for path in (one.folder, *sorted(one.files)):
            yield Found(path, Reason.CHANGED, f"{one.name} {one.version} {why}")


def versions(before: dict[str, str], distributions: Iterable[Distribution]) -> str:
    """Return distributions with their versions: ``numpy 1.26.4 → 2.0.0, scipy 1.11``."""
    return ", ".join(version(before, one) for one in distributions)


def version(before: Mapping[str, str], distribution: Distribution) -> str:
    """Return a distribution with its version, and the version before."""
    name, now, was = distribution.name, distribution.version, before.get(distribution.name)
    return f"{name} {was} → {now}" if was else f"{name} {now}"


def _plain(name: str) -> str:
    """Return what all spellings of a name have in common (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _way(index: PackageIndex, path: str) -> Iterator[str]:
    """Yield the entry that a path names, through symlinks where there are some; else the path itself."""
    if path == ".":  # the root is not an entry, and always exists
        return
    if path in index.entries:
        yield path
        return
    way = links.follow(index.entries, path)
    yield from way.links
    yield way.end if way.end is not None else path


def _files(package: Package, paths: Iterable[str]) -> list[str]:
    return [path for path in paths if package.entries[path].kind is not Kind.DIRECTORY]


def _out_of_date(whitelist: Whitelist, other: list[Distribution], own: list[str], new: list[str]) -> Iterator[str]:
    if other:
        before = {installed.name: installed.version for installed in whitelist.installed}
        yield f"Kept whole because they changed since the function was probed: {versions(before, other)}."
    brought = {path for one in other for path in one.files}
    if added := [path for path in new if path not in brought]:
        yield f"Kept because they are new since the function was probed: {count(added)}."
    if own:
        yield f"Changed since the function was probed: {count(own)}; what they import may be dropped."
