"""Package and evidence become a whitelist: every path kept or dropped, with its reason."""

from collections.abc import Iterable, Sequence

from deployer.models.evidence import Evidence
from deployer.models.package import Distribution, Examined
from deployer.models.whitelist import Reason, Rules, Whitelist
from deployer.package import links
from deployer.whitelist import closure
from deployer.whitelist.carry_over import not_seen_again, still_valid, versions, whole
from deployer.whitelist.closure import Found
from deployer.whitelist.decisions import by_rule, by_rule_dropped, count, decided
from deployer.whitelist.inventory import Earlier
from deployer.whitelist.package_index import PackageIndex, index_package
from deployer.whitelist.rare import said, set_aside
from deployer.whitelist.surroundings import TASK, Surroundings, needed
from deployer.whitelist.user_rules import Matched, match, of_layers, of_package
from deployer.words import counted


def choose(
    examined: Examined, evidence: Evidence, rules: Rules, around: Surroundings, earlier: Sequence[Earlier] = ()
) -> Whitelist:
    """Decide on every path of a package: kept or dropped, with the strongest reason for it.

    A keep rule wins over a drop rule, and a drop rule over everything else: where it takes away what was touched,
    a warning says so. Evidence of earlier packages counts for what is unchanged since; a distribution that changed
    is kept whole until it has been seen again, and a warning names it.

    Args:
        examined: the package, or a layer.
        evidence: of it.
        rules: the user's; those that begin with ``/opt/`` are for layers, the others for packages.
        around: what the function's configuration tells.
        earlier: the evidence of the packages that were probed before this one, the newest last.

    Raises:
        UsageError: a rule is not a pattern.
    """
    index = index_package(examined)
    own_rules = of_package(rules) if around.root == TASK else of_layers(rules)
    matched = match(own_rules, examined.package)
    rare = set_aside(index.entries, evidence, rules.rare if around.root == TASK else 0)
    used = [*closure.touched(index, rare.evidence), *closure.handler(index, around.handler), *_carried(index, earlier)]
    unproven = not_seen_again(index, evidence, earlier)
    changed = whole(unproven, "was not used since it changed")
    unseen = [*needed(index, around), *closure.own_certificates(index), *closure.in_doubt(index)]
    found = closure.grow(index, [*used, *changed, *by_rule(matched), *unseen], matched.dropped)
    because = f"no invocation in {counted(evidence.sandboxes, 'sandbox', 'sandboxes')} touched it"
    unneeded = dict.fromkeys(index.entries, (Reason.UNTOUCHED, because))
    gone = {path: index.entries[path].size for path in rare.paths if path not in found and path not in matched.dropped}
    told = (_taken_away(used, matched), _unknown(index, evidence), _kept_whole(unproven, earlier), said(rare, gone))
    warnings = (*matched.warnings, *(warning for each in told for warning in each))
    return decided(index, found, unneeded | rare.reasons() | by_rule_dropped(matched), warnings)


def _carried(index: PackageIndex, earlier: Sequence[Earlier]) -> list[Found]:
    """Return what earlier packages needed and this one holds unchanged, the newest first."""
    return [
        found._replace(because=f"{found.because} of the package {one.inventory.package}, unchanged since")
        for one in reversed(earlier)
        for found in closure.touched(index, still_valid(index, one))
    ]


def _kept_whole(unproven: list[Distribution], earlier: Sequence[Earlier]) -> list[str]:
    if not unproven:
        return []
    before = {one.name: one.version for each in earlier for one in each.inventory.installed}
    return [f"Kept whole because they changed and no sandbox has used them since: {versions(before, unproven)}."]


def _taken_away(used: Iterable[Found], matched: Matched) -> list[str]:
    """Drop rules that match what real invocations used."""
    lost = dict.fromkeys(found.path for found in used if found.path in matched.dropped)
    if not lost:
        return []
    rules = ", ".join(repr(rule) for rule in sorted({matched.dropped[path] for path in lost}))
    return [f"Drop rules ({rules}) take away {count(lost)} that the function used: the function may fail without them."]


def _unknown(index: PackageIndex, evidence: Evidence) -> list[str]:
    """Return paths in the log that the package does not hold, without those of layers."""
    inside = (path for path in evidence.paths if path.strip("./") and not f"{path}/".startswith("/opt/"))
    unknown = [path for path in sorted(inside) if path not in index.entries]
    unknown = [path for path in unknown if not any(links.follow(index.entries, path)[:2])]
    if not unknown:
        return []
    return [f"The log has {count(unknown)} that the package does not hold: check that it is the one that was probed."]
