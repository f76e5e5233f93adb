"""What so few sandboxes touched that the guard may bring it back when it is asked for: ``shrink --rare``."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from deployer.models.evidence import Evidence, PathEvidence, Touch
from deployer.models.package import Entry, Kind
from deployer.models.whitelist import Reason
from deployer.words import counted

_SERVED: Final = frozenset({"shim", "guard"})
"""Witnesses that stand where the guard stands: between the program and the C library."""
_BLIND: Final = "shim"
"""Faults of this beginning: programs ran that the shim did not see, and the guard will not."""
NO_USE: Final = (".a", ".la", ".lib", ".o", ".obj", ".pdb")
"""What only a linker reads, and nothing is linked in Lambda: the guard does not bring it back."""


@dataclass(frozen=True)
class Rare:
    """Evidence without what is rare."""

    evidence: Evidence
    paths: Mapping[str, PathEvidence] = field(default_factory=dict)
    """What is rare."""
    warnings: tuple[str, ...] = ()

    def reasons(self) -> dict[str, tuple[Reason, str]]:
        """Return why each of them is dropped."""
        of_all = f"of {counted(self.evidence.sandboxes, 'sandbox', 'sandboxes')} touched it; the guard brings it"
        return {path: (Reason.RARE, f"{seen.sandboxes:,} {of_all}") for path, seen in self.paths.items()}


def set_aside(entries: Mapping[str, Entry], evidence: Evidence, share: float) -> Rare:
    """Set aside what fewer sandboxes than a share of them touched, where the guard can bring it back.

    Args:
        entries: of the package.
        evidence: of it.
        share: of the sandboxes, 0 to 1; 0 for nothing.
    """
    if not share:
        return Rare(evidence)
    if blind := sorted(fault for fault in evidence.faults if fault.startswith(_BLIND)):
        why = f"programs ran that the guard does not see ({', '.join(blind)})"
        return Rare(evidence, warnings=(f"Nothing is dropped for being rare: {why}.",))
    rare = {
        path: seen
        for path, seen in evidence.paths.items()
        if seen.sandboxes < share * evidence.sandboxes and _served(entries.get(path), seen)
    }
    if not rare:
        least = int(1 / share) + 1
        few = f"; that takes at least {least:,} sandboxes" if evidence.sandboxes < least else ""
        why = f"no file was touched by fewer than {share:.2%} of {evidence.sandboxes:,} sandboxes{few}"
        return Rare(evidence, warnings=(f"Nothing is dropped for being rare: {why}.",))
    rest = {path: seen for path, seen in evidence.paths.items() if path not in rare}
    return Rare(replace(evidence, paths=rest), rare)


def _served(entry: Entry | None, seen: PathEvidence) -> bool:
    """Return whether the guard can bring a path back, whoever asks for it again."""
    if entry is None or entry.kind is not Kind.FILE or entry.path.endswith(NO_USE):
        return False
    return bool(seen.witnesses & _SERVED) and not seen.touches & {Touch.LISTED, Touch.BROWSED}


def said(rare: Rare, dropped: Mapping[str, int]) -> tuple[str, ...]:
    """Say what becomes of what is rare.

    Args:
        rare: what was set aside.
        dropped: the paths of it that are dropped -> their bytes; others came back with what they belong to.
    """
    if not dropped:
        return rare.warnings
    groups: dict[str, int] = {}  # what one sandbox was the first to touch is mostly asked for together
    for path in dropped:
        seen = rare.paths[path]
        groups[seen.sandbox] = max(groups.get(seen.sandbox, 0), seen.sandboxes)
    evidence = rare.evidence
    miss = min(sum(groups.values()), evidence.sandboxes)
    share = miss / max(evidence.invocations, miss)
    what = f"{counted(len(dropped), 'file')} of {sum(dropped.values()):,} bytes"
    cost = f"{miss:,} of {evidence.sandboxes:,} sandboxes would have asked the guard, in {share:.2%} of the invocations"
    return (*rare.warnings, f"Dropped, as hardly any sandbox touched them: {what}. About {cost}, each in some 0.1 s.")
