"""Evidence -> how many files were found over the first sandboxes, and how many more are to be expected.

The order in which sandboxes came says little, so the curve is the mean over every order: sample-based rarefaction.
What lies beyond the last sandbox is extrapolated to the number of files that Chao2 estimates.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from deployer.evidence.coverage import estimate
from deployer.models.evidence import Evidence

POINTS: Final = 120
"""So many points of a curve are drawn at most."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Files seen over sandboxes."""

    seen: tuple[tuple[int, float], ...]
    """(sandboxes, files that so many sandboxes touch on average), up to all sandboxes."""
    expected: tuple[tuple[int, float], ...]
    """The same beyond that, up to twice as many sandboxes."""
    total: int
    """At least so many files are touched at times, those that no sandbox has touched yet included (Chao2)."""


def discovery(evidence: Evidence) -> Discovery | None:
    """Return the discovery curve, or None where fewer than two sandboxes have reported.

    The rarefaction and the extrapolation are equations 4 and 18 of R. K. Colwell et al., "Models and estimators linking
    individual-based and sample-based rarefaction, extrapolation and comparison of assemblages", Journal of Plant
    Ecology 5, 2012.
    """
    sandboxes = evidence.sandboxes
    if sandboxes < 2:
        return None
    held = Counter(min(seen.sandboxes, sandboxes) for seen in evidence.paths.values())
    seen = tuple((count, _found_by(count, sandboxes, held)) for count in _steps(1, sandboxes))
    unseen = estimate(evidence).unseen_files
    beyond = tuple(
        (count, len(evidence.paths) + _beyond(count - sandboxes, sandboxes, held[1], unseen))
        for count in _steps(sandboxes, 2 * sandboxes)
    )
    return Discovery(seen, beyond, len(evidence.paths) + unseen)


def _found_by(count: int, sandboxes: int, held: Counter[int]) -> float:
    """How many paths ``count`` of the sandboxes touch, drawn at random."""
    return sum(number * (1 - _missed(count, sandboxes, holders)) for holders, number in held.items())


def _missed(count: int, sandboxes: int, holders: int) -> float:
    """The chance that none of ``count`` sandboxes is one of the ``holders``: a ratio of binomial coefficients."""
    if sandboxes - holders < count:
        return 0.0
    return math.exp(_log_choose(sandboxes - holders, count) - _log_choose(sandboxes, count))


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def _beyond(more: int, sandboxes: int, singles: int, unseen: int) -> float:
    """How many new paths ``more`` sandboxes bring."""
    if not (unseen and singles):
        return 0.0
    return unseen * (1 - (1 - singles / (sandboxes * unseen + singles)) ** more)


def _steps(first: int, last: int) -> Iterable[int]:
    step = max(1, (last - first) // POINTS)
    return sorted({*range(first, last, step), last})
