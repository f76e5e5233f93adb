"""What a trace left, read again: on this machine alone, and nothing is asked of AWS."""

from pathlib import Path
from typing import Final

from deployer.flow.page import content, last_account
from deployer.report import store as reports
from deployer.report.models import ShrinkReport
from deployer.report.page import PageContent
from deployer.state.left import Left, LeftHere
from deployer.state.workspace import REPORT, STATE

_OF_A_TRACE: Final = frozenset({"traced", "over_limit"})


def find_trace(function: str, folder: Path) -> LeftHere | None:
    """Return what a trace left in a folder; None where there is none, or the folder is of a function in AWS."""
    left = LeftHere(function, folder)
    report = None if left.read(STATE) else left.read(REPORT)
    return left if report and reports.from_json(report).state in _OF_A_TRACE else None


def traced_content(trace: Left, report: ShrinkReport) -> PageContent:
    """Return what the page of a trace shows."""
    return content(report, last_account(trace), f"ldeploy report {trace.function}", report.made)
