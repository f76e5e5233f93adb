"""Whether one share is greater than another by more than chance: Fisher's exact test, one-sided.

R. A. Fisher, The Design of Experiments (1935), chapter 2; A. Agresti, Categorical Data Analysis (2013), section 3.5.
It holds for small counts too, where a test that takes the counts as normally distributed does not.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    part: int
    whole: int

    @property
    def rate(self) -> float:
        """The part of one; 0 of nothing."""
        return self.part / self.whole if self.whole else 0.0


def chance_of(one: Share, other: Share) -> float:
    """Return the chance that the first share is as great as it is, or greater, if both are draws from one pool.

    The sum of the hypergeometric distribution's upper tail, term by term: each follows from the one before.
    """
    pool = one.part + other.part
    if one.part * (one.whole + other.whole) > pool * one.whole:
        return min(1.0, math.fsum(_upwards(one.part, one.whole, other.whole, pool)))
    return 1.0 - min(1.0, math.fsum(_downwards(one.part - 1, one.whole, other.whole, pool)))


def upper_bound(share: Share, confidence: float = 0.95) -> float:
    """Return the rate that a share in which nothing happened stays below, with this confidence; 1 where any did.

    Of n without any: 1 - (1 - confidence)^(1/n), about 3/n at 95 %.
    """
    return 1.0 if share.part or not share.whole else 1.0 - (1.0 - confidence) ** (1.0 / share.whole)


def _upwards(first: int, size: int, others: int, pool: int) -> Iterator[float]:
    """Yield the chances of ``first``, ``first + 1`` … of the pool among ``size`` draws; the first is above the mean."""
    term = _chance(first, size, others, pool)
    for part in range(first, min(size, pool) + 1):
        yield term
        term *= (size - part) * (pool - part) / ((part + 1) * (others - pool + part + 1))


def _downwards(first: int, size: int, others: int, pool: int) -> Iterator[float]:
    """Yield the chances of ``first``, ``first - 1`` … of the pool among ``size`` draws; the first is below the mean."""
    lowest = max(0, pool - others)
    if first < lowest:
        return
    term = _chance(first, size, others, pool)
    for part in range(first, lowest - 1, -1):
        yield term
        term *= part * (others - pool + part) / ((size - part + 1) * (pool - part + 1))


def _chance(part: int, size: int, others: int, pool: int) -> float:
    return math.exp(_ways(size, part) + _ways(others, pool - part) - _ways(size + others, pool))


def _ways(whole: int, part: int) -> float:
    """Return the logarithm of in how many ways a part can be taken."""
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)
