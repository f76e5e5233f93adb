"""How likely it is that a file is missing, in words that people use."""

import math
from typing import Final

from deployer.evidence.coverage import Coverage
from deployer.words import counted

ENOUGH: Final = 5
"""Below so many cold starts the estimate says nothing."""
USEFUL: Final = 20
"""From so many cold starts on its upper bound is narrow enough to act on."""


def risk(known: Coverage, *, guarded: bool = False) -> str:
    """Return the estimate as one or two sentences, without what introduces them.

    Args:
        known: the estimate.
        guarded: whether the guard brings such a file back.
    """
    starts = known.sandboxes
    if starts < ENOUGH:
        return f"unknown. {counted(starts, 'cold start')} seen; about {USEFUL} give a useful estimate"
    sure = f"{known.confidence:.0%} sure".replace("%", " %")
    bound = f"{rate(known.upper_bound, at_most=True)} ({sure})" + ("; the guard brings it back" if guarded else "")
    if not known.unseen_probability:
        return f"no new file expected after {starts:,} cold starts; at most {bound}"
    return f"about 1 new file in {_every(known.unseen_probability)}; at most {bound}"


def rate(share: float, *, at_most: bool = False) -> str:
    """Return a share of one as ``1 in 40``; as ``7 in 10`` where it is more than half.

    Args:
        share: from 0 to 1.
        at_most: round to the safe side, to the greater share.
    """
    tenths = math.ceil(share * 10) if at_most else round(share * 10)
    if tenths >= 10:
        return "every one"
    if share > 0.5:
        return f"{tenths} in 10"
    return f"1 in {max(2, math.floor(1 / share) if at_most else round(1 / share)):,}"


def _every(share: float) -> str:
    """``every 40 cold starts``; a share of more than two thirds is ``every cold start``."""
    starts = round(1 / share)
    return f"every {starts:,} cold starts" if starts > 1 else "every cold start"
