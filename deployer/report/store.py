"""The report of the last shrink as a file: written by ``shrink`` and ``deploy``, shown again by ``report``."""

import json
from typing import Any, Final

from deployer.errors import WorkspaceError
from deployer.evidence.coverage import Coverage
from deployer.models.evidence import LineCount
from deployer.models.slim import Measure, Saving
from deployer.report.json import document
from deployer.report.models import Artifacts, LayerReport, Limits, Reason, ShrinkReport

_VERSION: Final = 1


def to_json(report: ShrinkReport) -> str:
    """The report as one JSON object, with the version of its form."""
    return json.dumps({"form": _VERSION, **document(report)}, indent=1) + "\n"


def from_json(text: str) -> ShrinkReport:
    """What ``to_json`` wrote.

    Raises:
        WorkspaceError: it is not that.
    """
    try:
        fields = json.loads(text)
        if fields.pop("form") != _VERSION:
            raise ValueError("of another version")
        return ShrinkReport(**fields | _parts(fields))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WorkspaceError("The report of the last shrink cannot be read.", "Run ldeploy shrink again.") from error


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
        "artifacts": Artifacts(**fields["artifacts"]),
        "plan": tuple(fields["plan"]),
        "warnings": tuple(fields["warnings"]),
    }
