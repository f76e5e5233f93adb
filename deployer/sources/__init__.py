"""Where evidence comes from, one module a source; a new one is a module here and a row in ``SOURCES``."""

from collections.abc import Callable, Mapping
from typing import Final

from deployer.aws import Aws
from deployer.sources.base import EvidenceSource
from deployer.sources.events import EventSource
from deployer.sources.insights import InsightsSource

SOURCES: Final[Mapping[str, Callable[[Aws], EvidenceSource]]] = {
    "events": lambda aws: EventSource(aws.logs),
    "insights": lambda aws: InsightsSource(aws.insights),
}
"""By the name that ``--via`` takes; the first is the default."""
