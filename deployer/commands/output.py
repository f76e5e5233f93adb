"""What a command answers, and how: reports on stdout, their warnings and what goes on meanwhile on stderr."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import click

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
        """One report, or those of several functions.

        Raises:
            OverLimitError: a report tells of a package that does not fit.
            LdeployError: a report tells of something that would stop a probe, or nothing came of one of several.
        """
        if self.output == "json":
            documents = [document(report) for report in reports]
            click.echo(json.dumps(documents[0] if len(documents) == 1 else {"functions": documents}, indent=2))
        else:
            for report in reports:
                click.echo(text(report), nl=False)
                for warning in report.warnings:
                    self.notices.warn(warning)
        for report in reports:
            _check(report)
        if failed := [report for report in reports if isinstance(report, FailedReport)]:
            names = ", ".join(report.function for report in failed)
            raise LdeployError(f"Of {len(reports)} functions {len(failed)} failed: {names}.", "", failed[0].exit_code)


def _check(report: Report) -> None:
    if getattr(report, "state", "") == "over_limit":
        raise OverLimitError(report.warnings[-1])
    if isinstance(report, DoctorReport) and not report.ready:
        raise LdeployError("Something would stop a probe.", "See the lines that begin with 'stops'.")
