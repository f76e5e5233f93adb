"""Evidence -> how likely it is that the next cold sandbox touches a file that none has touched.

The unit is the cold sandbox: a warm one does not open a module again. All figures hold for sandboxes that are
used as those in the evidence were; of a use that begins later they know nothing.
"""

import math
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from deployer.models.evidence import Evidence

CONFIDENCE: Final = 0.95
RARE: Final = 10
"""A path that fewer sandboxes touched tells of others like it that none touched."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is not known."""

    sandboxes: int
    unseen_probability: float
    """That the next cold sandbox touches a path that none of these has touched."""
    upper_bound: float
    """Of that probability."""
    confidence: float
    """That it lies under the upper bound."""
    unseen_files: int
    """At least so many paths are touched at times and have not been seen yet."""
    population: int
    """How many cold sandboxes there were, those that were not drawn to report included (estimated)."""


def estimate(evidence: Evidence) -> Coverage:
    """The coverage that the evidence gives.

    ``unseen_probability`` is the share of sandboxes that hold a path no other holds: Good and Turing's
    estimate (I. J. Good, Biometrika 40, 1953), for sets in place of single draws. Leaving one sandbox out, that
    share is an unbiased estimate of the chance that it brings something the others have not seen.

    Under ``--sample`` nothing of this changes: whether a sandbox reports is drawn at its start, whatever it does
    later, so those that report are a random sample of all, and the next sandbox is like them; there are fewer, so
    the bound is wider. Only ``population`` needs the share: each that reported stands for 1 / share of all, which
    is unbiased (D. G. Horvitz and D. J. Thompson, JASA 47, 1952).
    """
    sandboxes = evidence.sandboxes
    held = Counter(seen.sandboxes for seen in evidence.paths.values())
    alone = min(_first_sandboxes(evidence, 1), sandboxes)
    rule = 1 - (1 - CONFIDENCE) ** (1 / sandboxes) if sandboxes else 1.0
    return Coverage(
        sandboxes=sandboxes,
        unseen_probability=alone / sandboxes if sandboxes else 1.0,
        upper_bound=rule if _nothing_rare(held, sandboxes) else max(rule, _bound(evidence, alone)),
        confidence=CONFIDENCE,
        unseen_files=_unseen_files(sandboxes, held[1], held[2]),
        population=max(round(evidence.population), sandboxes),
    )


def _first_sandboxes(evidence: Evidence, holders: int) -> int:
    """How many sandboxes were the first at a path that exactly ``holders`` sandboxes hold."""
    return len({seen.sandbox for seen in evidence.paths.values() if seen.sandboxes == holders})


def _nothing_rare(held: Counter[int], sandboxes: int) -> bool:
    """Whether the rule of three may be used: 1 - alpha ** (1 / n), about 3 / n, for what n sandboxes never did.

    J. A. Hanley and A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983. It
    knows of one unseen thing only; where others are nearly as rare it is too low, so they must be absent.
    """
    return min(held, default=sandboxes) >= RARE


def _bound(evidence: Evidence, alone: int) -> float:
    """The upper bound where something is rare: the larger root p of (p - t)^2 = z^2 (p (1 - p) + q) / (n - 1).

    It is Wilson's score bound (JASA 22, 1927) for t, the share of sandboxes with a path of their own, one more
    counted than there are; with a term for what else sets the unseen probability apart from that share: q, the
    share of sandboxes in which a path is that only one other holds (W. W. Esty, Annals of Statistics 11, 1983:
    the variance is that of f1 + 2 f2). Checked by simulation: over uniform, Zipf and equally rare use and 2 to
    200 sandboxes it lay above the true value in at least 96 of 100 runs.
    """
    n = evidence.sandboxes
    if n < 2:
        return 1.0
    share = min(1.0, (alone + 1) / n)
    pairs = 2 * _first_sandboxes(evidence, 2) / n
    weight = NormalDist().inv_cdf(CONFIDENCE) ** 2 / (n - 1)
    half = share + weight / 2
    root = math.sqrt(half**2 - (1 + weight) * (share**2 - weight * pairs))
    return min(1.0, (half + root) / (1 + weight))


def _unseen_files(sandboxes: int, singles: int, doubles: int) -> int:
    """Chao2, a lower bound from the paths that one sandbox and that two hold.

    A. Chao, Biometrics 43, 1987; with the correction for small samples where no path is held by two, and the
    factor (n - 1) / n, as in R. K. Colwell et al., Journal of Plant Ecology 5, 2012.
    """
    if sandboxes < 2:
        return 0
    unseen = singles**2 / (2 * doubles) if doubles else singles * (singles - 1) / 2
    return int(unseen * (sandboxes - 1) / sandboxes)
