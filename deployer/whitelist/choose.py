"""Package and evidence become a whitelist: every path kept or dropped, with its reason."""

import hashlib
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from deployer.models import Decision, Distribution, Evidence, Installed, Kind, Package, Reason, Rules, Whitelist
from deployer.package import links, zipformat
from deployer.whitelist import passes
from deployer.whitelist.ground import Ground, survey
from deployer.whitelist.passes import Found
from deployer.whitelist.rules import Matched, match

_NO_RULES: Final = Rules()


def choose(
    package: Package, distributions: Iterable[Distribution], evidence: Evidence, rules: Rules, handler: str
) -> Whitelist:
    """Every path kept or dropped, with the strongest reason for it.

    A keep rule wins over a drop rule, and a drop rule over everything else: where it takes away what was touched,
    a warning says so.

    Args:
        handler: as Lambda's configuration has it, ``app.handler``.

    Raises:
        UsageError: a rule is no pattern.
    """
    distributions = tuple(distributions)
    ground = survey(package, distributions)
    matched = match(rules, package)
    used = [*passes.touched(ground, evidence), *passes.handler(ground, handler)]
    found = passes.grow(ground, [*used, *_by_rule(matched), *passes.in_doubt(ground)], matched.dropped)
    because = f"no invocation in {evidence.sandboxes} sandboxes touched it"
    unneeded = dict.fromkeys(package.entries, (Reason.UNTOUCHED, because))
    warnings = (*matched.warnings, *_taken_away(used, matched), *_unknown(ground, evidence))
    return _whitelist(ground, found, unneeded | _dropped(matched), warnings)


def carry_over(
    whitelist: Whitelist, package: Package, distributions: Iterable[Distribution], rules: Rules = _NO_RULES
) -> Whitelist:
    """The whitelist for a fresh build, from the one made of an earlier build.

    What was kept is kept; what is new is kept, as nobody knows that it is not needed; a distribution that changed
    is kept whole, as its evidence is of another version, and so is a changed file of the function's own; what is
    dropped was dropped before, and is the same.

    Args:
        package: the fresh build.
        distributions: in the fresh build.
        rules: today's; paths that a drop rule took away before are dropped still.

    Raises:
        UsageError: a rule is no pattern.
    """
    distributions = tuple(distributions)
    ground = survey(package, distributions)
    matched = match(rules, package)
    old = {path: decision for path, decision in whitelist.decisions.items() if path in package.entries}
    before = {path: decision.because for path, decision in old.items() if decision.reason is Reason.RULE_DROP}
    dropped = {path: rule for path, rule in before.items() if path not in matched.kept} | dict(matched.dropped)
    changed = _changed(whitelist.installed, package, distributions)
    kept = [Found(path, decision.reason, decision.because) for path, decision in old.items() if decision.kept]
    fresh = [path for path in package.entries if path not in old]
    new = [Found(path, Reason.NEW, "it was not in the build that was probed") for path in fresh]
    own = _changed_files(old, package, distributions)
    edited = [Found(path, Reason.CHANGED, "it is not as it was when the function was probed") for path in own]
    seeds = [*_by_rule(matched), *kept, *_whole(changed), *edited, *new]
    found = passes.grow(ground, seeds, dropped)
    unneeded = {path: (decision.reason, decision.because) for path, decision in old.items()}
    warnings = (*matched.warnings, *_out_of_date(whitelist, changed, own, _files(package, fresh)))
    return _whitelist(ground, found, unneeded | _dropped(matched), warnings)


def keep_too(whitelist: Whitelist, earlier: Whitelist) -> Whitelist:
    """The whitelist with what an earlier one keeps; a drop rule of today wins."""
    decisions = dict(whitelist.decisions)
    for path, decision in decisions.items():
        before = earlier.decisions.get(path)
        if before and before.kept and not decision.kept and decision.reason is not Reason.RULE_DROP:
            decisions[path] = replace(decision, kept=True, reason=before.reason, because=before.because)
    return replace(whitelist, decisions=decisions)


def _whitelist(
    ground: Ground,
    found: Mapping[str, Found],
    unneeded: Mapping[str, tuple[Reason, str]],
    warnings: tuple[str, ...],
) -> Whitelist:
    decisions = {}
    for path, entry in ground.entries.items():
        kept = path in found
        reason, because = found[path][1:] if kept else unneeded[path]
        decisions[path] = Decision(path, kept, reason, because, entry.size, entry.crc32)
    installed = tuple(_installed(ground.package, distribution) for distribution in ground.metadata.values())
    return Whitelist(ground.package.label, decisions, warnings, installed)


def _by_rule(matched: Matched) -> list[Found]:
    return [Found(path, Reason.RULE_KEEP, f"keep rule {rule!r}") for path, rule in matched.kept.items()]


def _dropped(matched: Matched) -> dict[str, tuple[Reason, str]]:
    return {path: (Reason.RULE_DROP, f"drop rule {rule!r}") for path, rule in matched.dropped.items()}


def _taken_away(used: Iterable[Found], matched: Matched) -> list[str]:
    """Drop rules that meet what real invocations used."""
    lost = dict.fromkeys(found.path for found in used if found.path in matched.dropped)
    if not lost:
        return []
    rules = ", ".join(repr(rule) for rule in sorted({matched.dropped[path] for path in lost}))
    return [f"Drop rules ({rules}) take away {_count(lost)} that the function used: it may fail without."]


def _unknown(ground: Ground, evidence: Evidence) -> list[str]:
    """Paths in the log that the package does not hold; those of layers are none of its business."""
    inside = (path for path in evidence.paths if path.strip("./") and not path.startswith("/opt/"))
    unknown = [path for path in sorted(inside) if path not in ground.entries]
    unknown = [path for path in unknown if not any(links.follow(ground.entries, path)[:2])]
    if not unknown:
        return []
    return [f"The log tells of {_count(unknown)} that the package does not hold: is it the one that was probed?"]


def _files(package: Package, paths: Iterable[str]) -> list[str]:
    return [path for path in paths if package.entries[path].kind is not Kind.DIRECTORY]


def _count(paths: Iterable[str]) -> str:
    """``12 paths (a, b, c, …)``."""
    names = list(paths)
    more = ", …" if len(names) > 3 else ""
    return f"{len(names)} path{'s' * (len(names) > 1)} ({', '.join(names[:3])}{more})"


def _installed(package: Package, distribution: Distribution) -> Installed:
    site = posixpath.dirname(distribution.folder)
    own = posixpath.join(site, "")
    apart = (f"{distribution.folder}/", posixpath.join(site, "bin/"))
    digest = hashlib.sha256()
    for path in sorted(distribution.files, key=zipformat.name_of):
        if path.startswith(own) and not path.startswith(apart) and not path.endswith(".pyc"):
            entry = package.entries[path]
            digest.update(zipformat.name_of(path.removeprefix(own)))
            digest.update(f"\0{entry.size}\0{entry.crc32}\n".encode())
    return Installed(distribution.name, distribution.version, digest.hexdigest())


def _changed(
    before: Iterable[Installed], package: Package, distributions: Iterable[Distribution]
) -> list[Distribution]:
    """Those of which there was no equal before."""
    known = set(before)
    return [distribution for distribution in distributions if _installed(package, distribution) not in known]


def _changed_files(old: Mapping[str, Decision], package: Package, distributions: Iterable[Distribution]) -> list[str]:
    """Files of no distribution whose contents are others than they were."""
    installed = {path for distribution in distributions for path in distribution.files}
    own = (path for path in old if path not in installed)
    return [path for path in own if package.entries[path].crc32 != old[path].crc32]


def _whole(changed: Iterable[Distribution]) -> list[Found]:
    return [
        Found(path, Reason.CHANGED, f"{distribution.name} {distribution.version} is not the one that was probed")
        for distribution in changed
        for path in (distribution.folder, *sorted(distribution.files))
    ]


def _out_of_date(whitelist: Whitelist, changed: list[Distribution], own: list[str], new: list[str]) -> list[str]:
    warnings = []
    if changed:
        before = {installed.name: f"{installed.version} → " for installed in whitelist.installed}
        names = ", ".join(f"{one.name} {before.get(one.name, '')}{one.version}" for one in changed)
        warnings.append(f"Kept whole, as they changed since the function was probed: {names}.")
    brought = {path for one in changed for path in one.files}
    if added := [path for path in new if path not in brought]:
        warnings.append(f"Kept, as they are new since the function was probed: {_count(added)}.")
    if own:
        warnings.append(f"Changed since the function was probed: {_count(own)}; what they import may be dropped.")
    return warnings
