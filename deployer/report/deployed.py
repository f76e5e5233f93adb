"""Which package a function holds, in words; and what to do where a deployment tool has put in another one since."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Deployed(StrEnum):
    """Which package is deployed. The first five are zips of ldeploy's own, the others are told by their contents."""

    FULL = "full"
    STUB = "stub"
    """The full one, from S3 at start."""
    SLIM = "slim"
    BEFORE = "before"
    EARLIER = "earlier"
    FULL_AGAIN = "full_again"
    SLIM_AGAIN = "slim_again"
    FULL_BUILD = "full_build"
    """A new version of the function, which nothing was taken out of."""
    SLIM_BUILD = "slim_build"
    OTHER = "other"


AGAIN: Final = frozenset({Deployed.FULL_AGAIN, Deployed.SLIM_AGAIN})
"""The same files as in a package of ours: going back from them loses nobody's work."""
SLIMMED: Final = frozenset({Deployed.SLIM, Deployed.SLIM_AGAIN, Deployed.SLIM_BUILD})

WORDS: Final[Mapping[Deployed, str]] = {
    Deployed.FULL: "the full package",
    Deployed.STUB: "the full package, unpacked from S3 at start",
    Deployed.SLIM: "the slim package",
    Deployed.BEFORE: "what was there before the probe",
    Deployed.EARLIER: "a package that ldeploy deployed earlier",
    Deployed.FULL_AGAIN: "the full package, in another zip: deployed since by another tool",
    Deployed.SLIM_AGAIN: "the slim package, in another zip: deployed since by another tool",
    Deployed.FULL_BUILD: "a full build of another version, deployed since by another tool",
    Deployed.SLIM_BUILD: "a slim build of another version, deployed since by another tool",
    Deployed.OTHER: "a package that ldeploy does not know: somebody replaced the code since",
}

UNDONE: Final = (
    "A deployment since has undone the shrink: run `ldeploy apply` on the build before each deployment "
    "(docs/tools.md), or `ldeploy deploy` with the build now."
)


def undone(which: Deployed, *, shrunk: bool) -> tuple[str, ...]:
    """Say what brought the full package back after a shrink, and what keeps it out."""
    if not shrunk or which not in {Deployed.FULL_AGAIN, Deployed.FULL_BUILD}:
        return ()
    return (UNDONE,)
