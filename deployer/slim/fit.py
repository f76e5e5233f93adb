"""Chooses what is packed inside the package and unpacked to /tmp at start, where the package does not fit: the cheapest
files that are enough.

Only files for which a symlink is as good as the file itself: shared libraries (the loader resolves ``$ORIGIN`` by the
name that it opens, not by where a symlink leads) and big data files. Never sources, bytecode, metadata, programs.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from deployer.errors import OverLimitError
from deployer.limits import MIB, START_UP_MS, STORAGE, UNZIPPED
from deployer.models.evidence import PathEvidence
from deployer.models.package import Entry, Kind, Package
from deployer.models.whitelist import Whitelist
from deployer.package import heaviest

RATE: Final = 250_000_000
"""Bytes unpacked a second, by two threads (``scripts/bench unpack``)."""
SLOWEST: Final = 25_000_000
"""Bytes unpacked a second at the worst."""
EACH: Final = 0.0001
"""Seconds that one more file takes."""
ROW: Final = 400
"""Bytes that a packed file leaves in the package beside its own: its row in the manifest, its symlink, its headers."""
SMALLEST: Final = 65_536
"""Bytes of the smallest file that is worth it."""
_LIBRARY: Final = re.compile(r".*\.so(\.[\d.]+)?")
_STAYS: Final = re.compile(r".*\.(py|pyc|pyi|pth|zip|egg)|.*\.(dist|egg)-info/.*")


@dataclass(frozen=True)
class _Candidate:
    """A file that may be packed."""

    path: str
    size: int
    frees: int
    """Bytes of the package, unzipped."""
    cost: float
    """Seconds of each start."""


def fit(
    package: Package, over: int, evidence: Mapping[str, PathEvidence], sandboxes: int, *, inside: bool = True
) -> tuple[str, ...]:
    """Choose the paths to pack, so that the package loses ``over`` bytes; none where all of them are not enough.

    Files that every start needs come first: one that is needed seldom is unpacked in vain most of the time.

    Args:
        package: the slim one.
        over: bytes that it must lose.
        evidence: by path, where there is any.
        sandboxes: how many the evidence is of.
        inside: whether what is packed stays inside the package; else it is in S3.
    """
    found = [
        _candidate(entry, _share(evidence.get(entry.path), sandboxes), inside=inside) for entry in _eligible(package)
    ]
    candidates = sorted((one for one in found if one.frees > 0), key=lambda one: (one.cost / one.frees, one.path))
    caps = sorted({one.frees for one in candidates})
    choices = [_enough([one for one in candidates if one.frees <= cap], over) for cap in caps]
    best = min(filter(None, choices), key=_cost, default=[])
    return tuple(sorted(one.path for one in best))


def seconds(sizes: Iterable[int]) -> float:
    """Estimate the seconds that files of these sizes add to each start."""
    return sum(size / RATE + EACH for size in sizes)


def check_storage(sizes: Mapping[str, int]) -> None:
    """Check that /tmp can hold what is unpacked at start.

    Args:
        sizes: path -> bytes.

    Raises:
        OverLimitError: it cannot; the error names what weighs most.
    """
    needed = sum(sizes.values()) // MIB + 1
    if needed <= STORAGE:
        return
    raise OverLimitError(
        f"What is over the limit needs {needed:,} MB of /tmp, and Lambda gives a function {STORAGE:,} at most.",
        f"What weighs most: {most(sizes, 5)}.",
    )


def check_fits(package: Package, whitelist: Whitelist, size: int, layers: int, what: str) -> None:
    """Check that code and layers stay under Lambda's limit.

    Args:
        package: the full package, for what weighs most.
        whitelist: what is kept of it.
        size: bytes of the slim code, unzipped.
        layers: bytes of all layers, unzipped.
        what: what does not fit, for the message.

    Raises:
        OverLimitError: they do not; the error names what weighs most.
    """
    over = size + layers - UNZIPPED
    if over < 0:  # "must be smaller than 262144000 bytes"
        return
    kept = replace(package, entries={path: package.entries[path] for path in whitelist.kept()})
    parts = ", ".join(f"{name} {weight / 1e6:.1f} MB" for name, weight in heaviest(kept, 5))
    and_layers = f" and {layers:,} in layers" if layers else ""
    raise OverLimitError(
        f"{what} has {size:,} bytes unzipped{and_layers}, {over:,} over Lambda's {UNZIPPED:,}.",
        f"What weighs most: {parts}.",
    )


def most(sizes: Mapping[str, int], count: int) -> str:
    """Return the biggest files, in words."""
    biggest = sorted(sizes.items(), key=lambda one: (-one[1], one[0]))[:count]
    return ", ".join(f"{path} {size / 1e6:.1f} MB" for path, size in biggest)


def in_time(timeout: int, unpacked: int) -> tuple[str, ...]:
    """Return a warning where a slow start would not end within the first invocation, in which Lambda continues a start
    that it cut off.

    Args:
        timeout: the function's, in seconds.
        unpacked: bytes that are unpacked at start.
    """
    longest = unpacked // SLOWEST
    if longest <= START_UP_MS // 1000 + timeout:
        return ()
    text = (
        f"Unpacking takes up to {longest} s where S3 or /tmp is slow: longer than a start-up (10 s) and the function's "
        f"timeout ({timeout} s). Invocations of a new sandbox would fail until then: raise the timeout."
    )
    return (text,)


def _eligible(package: Package) -> list[Entry]:
    return [
        entry
        for entry in package.entries.values()
        if entry.kind is Kind.FILE and entry.size >= SMALLEST and not _STAYS.fullmatch(entry.path)
        if _LIBRARY.fullmatch(entry.path) or not entry.mode & 0o111
    ]


def _share(seen: PathEvidence | None, sandboxes: int) -> float:
    return min(1.0, seen.sandboxes / sandboxes) if seen and sandboxes else 1.0


def _candidate(entry: Entry, share: float, *, inside: bool) -> _Candidate:
    cost = seconds([entry.size]) * (2 - share)
    return _Candidate(entry.path, entry.size, entry.size - entry.packed * inside - ROW, cost)


def _enough(candidates: list[_Candidate], over: int) -> list[_Candidate]:
    """Choose the cheapest for their bytes until it is enough, then remove those that are not needed; none where all are
    not enough.
    """
    chosen, freed = [], 0
    for one in candidates:
        if freed >= over:
            break
        chosen.append(one)
        freed += one.frees
    if freed < over:
        return []
    for one in sorted(chosen, key=lambda one: -one.cost):
        if freed - one.frees >= over:
            chosen.remove(one)
            freed -= one.frees
    return chosen


def _cost(chosen: list[_Candidate]) -> float:
    return sum(one.cost for one in chosen)
