"""Whether a new version may take all of the traffic: its failures against the old version's own, at the same time."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from deployer.evidence.proportions import Share, chance_of, upper_bound
from deployer.evidence.versions import VersionFigures
from deployer.words import counted, percent

ALPHA: Final = 0.01
"""The chance that a version which is as good as the old one is taken back. Half of it is for the last look, and half is
divided among those before, so that looking often takes back no more good versions (Bonferroni)."""
ENOUGH: Final = 20
"""Invocations of each version without which the shares tell too little: with none failed of 20, up to 14 % may fail."""

_SIGNS: Final[dict[str, Callable[[VersionFigures], Share]]] = {
    "failed": lambda one: Share(one.errors, one.invocations),
    "timed out": lambda one: Share(one.timeouts, one.invocations),
    "met the guard": lambda one: Share(one.misses, one.invocations),
    "were throttled": lambda one: Share(one.throttles, one.invocations + one.throttles),
}
"""What is compared, as a verb in the past."""


class Verdict(StrEnum):
    """What becomes of a shift."""

    WAIT = "wait"
    """Nothing is wrong so far, and the time is not over."""
    FINISH = "finish"
    BACK = "back"
    TOO_FEW = "too few"
    """The time is over, and there was too little traffic to tell."""


@dataclass(frozen=True)
class Judgement:
    """A verdict, and its grounds as a sentence."""

    verdict: Verdict
    why: str


def judge(new: VersionFigures, old: VersionFigures, looks: int, *, last: bool) -> Judgement:
    """Compare two versions of which each has served a part of the same traffic.

    Args:
        new: of the new version.
        old: of the old one.
        looks: how many there are before the last.
        last: whether the time is over.
    """
    chances = {sign: chance_of(share(new), share(old)) for sign, share in _SIGNS.items()}
    sign = min(chances, key=chances.__getitem__)
    if chances[sign] < threshold(looks, last=last):
        return Judgement(Verdict.BACK, _compared(sign, new, old, chances[sign]))
    if not last:
        return Judgement(Verdict.WAIT, "")
    few = min(new.invocations, old.invocations)
    if few < ENOUGH:
        return Judgement(Verdict.TOO_FEW, _few(new, old))
    bound = upper_bound(Share(new.errors, new.invocations))
    sure = f"; its failure rate is below {percent(bound)} (95 % sure)" if bound < 1 else ""
    return Judgement(Verdict.FINISH, f"The new version does no worse than the old one{sure}.")


def threshold(looks: int, *, last: bool) -> float:
    """Return below which chance a difference counts: what is compared at one look shares its part of ``ALPHA``."""
    return ALPHA / 2 / len(_SIGNS) / (1 if last else max(1, looks))


def _compared(sign: str, new: VersionFigures, old: VersionFigures, chance: float) -> str:
    mine, theirs = _SIGNS[sign](new), _SIGNS[sign](old)
    return (
        f"Of the new version's {mine.whole:,} invocations {mine.part:,} {sign} ({percent(mine.rate)}), of the old "
        f"one's {theirs.whole:,} at the same time {theirs.part:,} ({percent(theirs.rate)}): by chance once in "
        f"{min(1 / chance, 1e12) if chance else 1e12:,.0f}."
    )


def _few(new: VersionFigures, old: VersionFigures) -> str:
    bound = percent(upper_bound(Share(new.errors, new.invocations)))
    risk = f", whose failure rate may be up to {bound}" if new.invocations and not new.errors else ""
    return (
        f"There was too little traffic to tell: {counted(new.invocations, 'invocation')} of the new version{risk}, and "
        f"{old.invocations:,} of the old one; {ENOUGH} of each are needed."
    )
