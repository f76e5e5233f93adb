"""Where evidence comes from, one module a source; a new one is a module here and a row in ``SOURCES``.

A source is imported when it is opened: the command line asks for the names only.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deployer.aws import Aws
    from deployer.sources.base import EvidenceSource


def _events(aws: "Aws") -> "EvidenceSource":
    from deployer.sources.events import EventSource

    return EventSource(aws.logs)


def _insights(aws: "Aws") -> "EvidenceSource":
    from deployer.sources.insights import InsightsSource

    return InsightsSource(aws.insights)


SOURCES: Final[Mapping[str, "Callable[[Aws], EvidenceSource]"]] = {"events": _events, "insights": _insights}
"""By the name that ``--via`` takes; the first is the default."""
