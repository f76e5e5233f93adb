"""What the log tells since the slim package was deployed, as lines of text."""

from collections.abc import Iterator

from deployer.evidence.misses import Miss
from deployer.report.since import Since
from deployer.words import counted, seconds

_SHOWN = 10
"""So many missing files are named."""


def since_lines(since: Since) -> Iterator[str]:
    """Yield the figures, what is missing, and the commands that fix it and go back."""
    log = since.log
    figures = (
        counted(log.invocations, "invocation"),
        counted(log.errors, "error"),
        counted(log.timeouts, "time-out"),
        counted(len(log.misses), "missing file"),
    )
    at_least = "at least " if since.partial else ""
    yield f"  since     {since.since}: {at_least}{', '.join(figures)}"
    if log.init_ms is not None:
        yield f"  start     {seconds(log.init_ms)} (median of {counted(log.starts, 'cold start')})"
    yield from map(_miss, log.misses[:_SHOWN])
    if more := log.misses[_SHOWN:]:
        yield f"            and {len(more):,} more"
    if since.mend:
        yield f"  fix       {since.mend}"
    elif log.errors or log.timeouts:
        yield "            No error names a file that was dropped: the log of the function tells more."
    yield f"  way back  {since.back}"


def _miss(miss: Miss) -> str:
    served = "brought back by the guard" if miss.served else "not there"
    return f"  missing   {miss.path} ({served}, {counted(miss.times, 'time')})"
