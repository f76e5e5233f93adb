"""Shows what a command answers: reports on stdout; warnings and progress on stderr."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from deployer.commands.errors import ToldError
from deployer.errors import LdeployError, OverLimitError
from deployer.notices import Notices
from deployer.report.formats import FORMATS

if TYPE_CHECKING:
    from deployer.report.models import Report


@dataclass(frozen=True)
class Output:
    """How a command answers."""

    format: str
    """A name of deployer/report/formats.py."""
    notices: Notices
    verbose: bool
    """Whether to show the steps inside a plan too; of one that is carried out, they were shown one by one."""

    def answer(self, reports: "Sequence[Report]") -> None:
        """Show one report, or those of several functions.

        Raises:
            OverLimitError: a report tells of a package that does not fit.
            LdeployError: a report tells of something that would stop a probe, or of events that all failed; or one of
            several functions failed.
            ToldError: the same, where stdout has told it.
        """
        failure = _failure(reports)
        chosen = FORMATS[self.format]
        click.echo(chosen.write(reports, failure), nl=False)
        if self.verbose:
            planned = [one for one in reports if getattr(one, "state", "") == "planned"]
            for number, step in enumerate((step for one in planned for step in getattr(one, "plan", ())), 1):
                click.echo(f"{number:>3}. {step}", err=True)
        if chosen.complete:
            if failure:
                raise ToldError(failure)
            return
        for report in reports:
            for warning in report.warnings:
                self.notices.warn(warning)
        if failure:
            raise failure


def _failure(reports: "Sequence[Report]") -> LdeployError | None:
    """Return what the reports as a whole say went wrong, or None."""
    from deployer.report.checks import DoctorReport
    from deployer.report.models import FailedReport, InvokeReport, ProbeReport

    for report in reports:
        if getattr(report, "state", "") == "over_limit":
            return OverLimitError(report.warnings[-1])
        if isinstance(report, DoctorReport) and not report.ready:
            what = "Something in the build would not work." if report.weights else "Something would stop a probe."
            return LdeployError(what, "See the lines that begin with 'stops'.")
        if isinstance(report, ProbeReport | InvokeReport) and report.answers and report.failed == report.answers:
            what = f"{report.function} failed on {'the one event' if report.failed == 1 else 'every event'}."
            return LdeployError(what, "Its errors and the last lines of its log are above.")
    if failed := [report for report in reports if isinstance(report, FailedReport)]:
        names = ", ".join(report.function for report in failed)
        return LdeployError(f"{len(failed)} of {len(reports)} functions failed: {names}.", "", failed[0].exit_code)
    return None
