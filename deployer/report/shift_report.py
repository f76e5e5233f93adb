"""The answer to ``shift status``, ``finish`` and ``back``, as a value and as text."""

from collections.abc import Iterator
from dataclasses import dataclass

from deployer.evidence.verdict import Verdict
from deployer.evidence.versions import VersionFigures
from deployer.words import counted


@dataclass(frozen=True)
class ShiftReport:
    """A shift of traffic from one version to another."""

    function: str
    state: str
    """``shifting``, ``planned``, ``deployed`` (finished) or ``taken_back``."""
    alias: str
    share: float
    """Of the traffic that goes to the new version, from 0 to 1."""
    version: str
    old_version: str
    began: str
    """RFC 3339."""
    until: str
    """RFC 3339."""
    new: VersionFigures | None = None
    """Of the new version since the shift began."""
    old: VersionFigures | None = None
    """Of the old one in the same time."""
    verdict: str = ""
    """What a run that watches would do now: ``wait``, ``finish``, ``back`` or ``too few``."""
    why: str = ""
    plan: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def shift_lines(report: ShiftReport) -> list[str]:
    """Return the report as lines of text."""
    if report.state == "planned":
        steps = [f"  {number:>2}. {step}" for number, step in enumerate(report.plan, 1)]
        return [f"{report.function}: this would be done", *steps]
    if report.state == "deployed":
        return [f"{report.function}: all of the traffic of {report.alias} goes to version {report.version}"]
    if report.state == "taken_back":
        back = f"all of the traffic of {report.alias} goes to version {report.old_version} again"
        return [f"{report.function}: {back}, and $LATEST is as before"]
    return [
        f"{report.function}: {report.share:.0%} of the traffic of {report.alias} goes to version {report.version}",
        f"  since     {report.began}, until {report.until}",
        *_figures(report),
        *([f"  verdict   {_VERDICTS[Verdict(report.verdict)]}"] if report.verdict else []),
        *([f"            {report.why}"] if report.why else []),
        f"  next      ldeploy shift finish {report.function}, or: ldeploy shift back {report.function}",
    ]


_VERDICTS = {
    Verdict.WAIT: "nothing is wrong so far",
    Verdict.FINISH: "the new version may have all of it",
    Verdict.BACK: "it should go back",
    Verdict.TOO_FEW: "there is too little traffic to tell",
}


def _figures(report: ShiftReport) -> Iterator[str]:
    for name, version, one in (("new", report.version, report.new), ("old", report.old_version, report.old)):
        if one:
            yield (
                f"  {name:<9} version {version}: {counted(one.invocations, 'invocation')}, {one.errors:,} failed, "
                f"{one.timeouts:,} timed out, {counted(one.misses, 'sandbox', 'sandboxes')} met the guard, "
                f"{one.throttles:,} throttled"
            )
