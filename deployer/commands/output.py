"""What a command answers, and how: reports on stdout, their warnings and what goes on meanwhile on stderr."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import click

from deployer.commands import errors
from deployer.commands.errors import ToldError
from deployer.errors import LdeployError, OverLimitError
from deployer.notices import Notices
from deployer.report.models import DoctorReport, FailedReport, Report, document
from deployer.report.text import text


@dataclass(frozen=True)
class Talk:
    """How a command answers."""

    output: Literal["text", "json"]
    notices: Notices

    def answer(self, reports: Sequence[Report]) -> None:
        """Show one report, or those of several functions.

        Raises:
            OverLimitError: a report tells of a package that does not fit.
            LdeployError: a report tells of something that would stop a probe, or one of several functions failed.
            ToldError: the same, where the JSON on stdout has told it.
        """
        failure = _failure(reports)
        if self.output == "json":
            documents = [document(report) for report in reports]
            whole = documents[0] if len(documents) == 1 else {"functions": documents}
            error = {"error": errors.document(failure)} if failure else {}
            click.echo(json.dumps(whole | error, indent=2))
            if failure:
                raise ToldError(failure)
            return
        for report in reports:
            click.echo(text(report), nl=False)
            for warning in report.warnings:
                self.notices.warn(warning)
        if failure:
            raise failure


def _failure(reports: Sequence[Report]) -> LdeployError | None:
    """Return what the reports as a whole say went wrong, or None."""
    for report in reports:
        if getattr(report, "state", "") == "over_limit":
            return OverLimitError(report.warnings[-1])
        if isinstance(report, DoctorReport) and not report.ready:
            return LdeployError("Something would stop a probe.", "See the lines that begin with 'stops'.")
    if failed := [report for report in reports if isinstance(report, FailedReport)]:
        names = ", ".join(report.function for report in failed)
        return LdeployError(f"{len(failed)} of {len(reports)} functions failed: {names}.", "", failed[0].exit_code)
    return None
