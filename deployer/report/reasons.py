"""What the reasons for keeping and dropping amount to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deployer.models.package import Kind, Package
from deployer.models.whitelist import Decision


@dataclass(frozen=True)
class Reason:
    """One reason for keeping or dropping, with files and bytes."""

    reason: str
    kept: bool
    files: int
    bytes: int


def reasons(package: Package, decisions: Mapping[str, Decision]) -> tuple[Reason, ...]:
    """Return what each reason amounts to, the kept ones first, the heaviest first; directories are no files."""
    files = (one for path, one in decisions.items() if package.entries[path].kind is not Kind.DIRECTORY)
    return summed((one.kept, one.reason, one.size) for one in files)


def summed(files: Iterable[tuple[bool, str, int]]) -> tuple[Reason, ...]:
    """Return what each reason amounts to; of each file whether it is kept, the reason, and its bytes."""
    amounts: defaultdict[tuple[bool, str], list[int]] = defaultdict(list)
    for kept, reason, size in files:
        amounts[kept, reason].append(size)
    rows = [Reason(reason, kept, len(sizes), sum(sizes)) for (kept, reason), sizes in amounts.items()]
    return tuple(sorted(rows, key=lambda row: (not row.kept, -row.bytes)))
