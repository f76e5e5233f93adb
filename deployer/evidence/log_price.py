"""What the probe's records will cost in the function's log: told before the probe goes in."""

from collections.abc import Iterable
from dataclasses import dataclass
from posixpath import dirname
from typing import Final

from probe_layer.record import Record, encode

PER_EVENT: Final = 26
"""Bytes that CloudWatch Logs counts on top of each event
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html)."""
_RECORD: Final = Record(
    timestamp="2026-01-01T00:00:00.000Z",
    level="INFO",
    sandbox="0" * 16,
    line=0,
    package=f"{'0' * 16}-{'0' * 16}",
    phase="invoke",
    request="0" * 36,
    invocations=1,
    witnesses=["inotify", "shim", "maps", "audit"],
    faults=[],
    touched={},
)


@dataclass(frozen=True, slots=True)
class LogPrice:
    """Bytes of log, as CloudWatch counts them."""

    files: int
    """Of the package."""
    cold: int
    """Of a cold sandbox that touches every file."""
    warm: int
    """Of a warm invocation that touches nothing new."""
    share: float = 1.0
    """Of the sandboxes, those that report."""

    def __str__(self) -> str:
        """Return the price of a thousand cold starts in MB, and the formula."""
        each = self.cold / max(self.files, 1)
        share = "" if self.share == 1 else f" * {self.share:g} of the sandboxes"
        most = 1_000 * self.cold * self.share / 1e6
        return (
            f"at most {most:,.1f} MB of log for a thousand cold starts that touch all {self.files:,} files each: "
            f"cold starts * touched files * {each:.0f} bytes + warm invocations * {self.warm} bytes{share}"
        )


def log_price(paths: Iterable[str], share: float = 1.0) -> LogPrice:
    """Return the price of a package's records, by writing the record of a sandbox that touches all of it.

    Args:
        paths: of the package's files.
        share: of the sandboxes, those that report.
    """
    touched = list(paths)
    asked: dict[str, list[str]] = {}
    for path in touched:
        asked.setdefault(dirname(path).replace("/", "."), []).append(path)
    cold = _counted(_RECORD._replace(touched={"opened": touched}, imported=asked))
    return LogPrice(len(touched), cold, _counted(_RECORD), share)


def _counted(record: Record) -> int:
    return sum(len(line) + 1 + PER_EVENT for line in encode(record))
