"""Reports and errors as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from deployer.errors import LdeployError
from deployer.report.models import Report


def to_json(reports: Sequence[Report], error: LdeployError | None) -> str:
    """Return the report, or those of several functions below ``functions``, and what went wrong below ``error``."""
    documents = [document(report) for report in reports]
    whole = documents[0] if len(documents) == 1 else {"functions": documents}
    return _dumps(whole | ({"error": _error(error)} if error else {}))


def error_to_json(error: LdeployError) -> str:
    """Return an error for which there is no report."""
    return _dumps({"error": _error(error)})


def document(report: Report) -> dict[str, Any]:
    """Return the report as JSON's own types; of evidence the counts only, the paths are in the workspace."""
    fields = asdict(report)
    for measure in (fields.get(name, {}) for name in ("before", "after", "package")):
        if measure.get("init_ms", 0) is None:  # it is there where it is known
            del measure["init_ms"]
    evidence = fields.pop("evidence", None)
    if evidence is not None:
        fields["paths"] = len(evidence.pop("paths"))
        fields |= evidence
    return fields


def _error(error: LdeployError) -> dict[str, str | int]:
    return {"what": error.what, "advice": error.advice, "code": int(error.exit_code)}


def _dumps(fields: dict[str, Any]) -> str:
    return json.dumps(fields, indent=2) + "\n"
