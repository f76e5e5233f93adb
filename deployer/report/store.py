"""The report of the last shrink as a file: written by ``shrink`` and ``deploy``, shown again by ``report``."""

from typing import Any, Final

from deployer.evidence.coverage import Coverage
from deployer.models.evidence import LineCount
from deployer.models.slim import Measure, Saving
from deployer.report.json import document
from deployer.report.models import Artifacts, GuardReport, LayerReport, Limits, ShrinkReport
from deployer.report.reasons import Reason
from deployer.report.sent import Sent
from deployer.report.trial_report import Speed, TrialReport
from deployer.versioned import Form

_FORM: Final = Form("The report of the last shrink", 1, "Run ldeploy shrink again.", key="form")


def to_json(report: ShrinkReport) -> str:
    """Return the report as one JSON object, with the version of its form."""
    return _FORM.write(document(report))


def from_json(text: str) -> ShrinkReport:
    """Read what ``to_json`` wrote.

    Raises:
        WorkspaceError: it is not that.
    """
    return _FORM.read(text, lambda fields: ShrinkReport(**fields | _parts(fields)))


def _parts(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "before": Measure(**fields["before"]),
        "after": Measure(**fields["after"]),
        "limits": Limits(**fields["limits"]),
        "coverage": Coverage(**fields["coverage"]),
        "lines": LineCount(**fields["lines"]),
        "steps": tuple(Saving(**step) for step in fields["steps"]),
        "layers": tuple(LayerReport(**layer) for layer in fields["layers"]),
        "reasons": tuple(Reason(**reason) for reason in fields["reasons"]),
        "guard": GuardReport(**fields.get("guard", {})),
        "trial": _trial(fields.get("trial")),
        "failures": tuple(Sent(**{**one, "log": tuple(one["log"])}) for one in fields.get("failures", ())),
        "artifacts": Artifacts(**fields["artifacts"]),
        "plan": tuple(fields["plan"]),
        "effect": tuple(fields.get("effect", ())),
        "warnings": tuple(fields["warnings"]),
    }


def _trial(fields: dict[str, Any] | None) -> TrialReport | None:
    if not fields:
        return None
    speeds = {name: Speed(**fields[name]) for name in ("before", "after")}
    return TrialReport(**{**fields, **speeds, "misses": tuple(fields["misses"])})
