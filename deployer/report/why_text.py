"""Why files are kept or dropped, as lines of text."""

from collections.abc import Iterator

from deployer.models.outcome import Fate
from deployer.report.why_report import WhyFile, WhyReport
from deployer.words import counted, megabytes

_SHOWN = 10
"""So many files are named, the heaviest first; JSON has all."""
_PHASES = {"start": "at start-up", "invoke": "while answering", "idle": "between requests"}


def why_lines(report: WhyReport) -> Iterator[str]:
    """Yield what is known of one file, or of several together."""
    planned = "" if report.state == "deployed" else f" ({report.state}, not deployed)"
    if len(report.files) == 1:
        yield f"{report.function}: {report.files[0].path}{planned}"
        yield from _one(report.files[0], report.sandboxes)
    else:
        yield f"{report.function}: {report.asked}, a {report.meaning} of {counted(len(report.files), 'file')}{planned}"
        for amount in report.amounts:
            decided = f"{'kept' if amount.kept else 'dropped'}: {amount.reason}"
            files = f"{amount.files:>8,} {'file ' if amount.files == 1 else 'files'}"
            yield f"    {decided:<40}{files} {megabytes(amount.bytes):>12}"
        yield "  the heaviest"
        yield from (f"    {one.fate.value:<9}{megabytes(one.before):>10}  {one.path}" for one in report.files[:_SHOWN])
        if len(report.files) > _SHOWN:
            yield f"    and {len(report.files) - _SHOWN:,} more: ldeploy why … --output json"
    if report.change:
        yield f"  change    {report.change}"


def _one(one: WhyFile, sandboxes: int) -> Iterator[str]:
    owner = f", of {one.distribution}" if one.distribution else ""
    fate = "as it is" if one.fate is Fate.KEPT else one.fate.value
    yield f"  {'kept' if one.kept else 'dropped':<10}{fate}{owner}: {_weight(one)}"
    yield f"  reason    {one.reason}" + (f": {one.because}" if one.because else "")
    if one.sandboxes:
        touches = ", ".join(one.touches)
        yield f"  evidence  {touches} in {one.sandboxes:,} of {counted(sandboxes, 'sandbox', 'sandboxes')}"
        request = f"by request {one.request} " if one.request else ""
        yield f"  first     {request}{_PHASES.get(one.phase, one.phase)}, {one.first_seen}"
    if one.asked_by:
        yield f"  asked by  {one.asked_by}"


def _weight(one: WhyFile) -> str:
    if one.before == one.after:
        return f"{one.before:,} bytes"
    return f"{one.before:,} bytes in the full package, {one.after:,} in the slim one"
