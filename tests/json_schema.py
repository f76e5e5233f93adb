"""docs/output.schema.json and the reports, kept in step: ``python -m tests.json_schema`` writes it."""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from deployer.models.evidence import Evidence
from deployer.models.slim import Measure
from deployer.report import models

FILE = Path(__file__).parents[1] / "docs" / "output.schema.json"
COMMANDS = {
    "ProbeReport": "probe",
    "ShrinkReport": "shrink, deploy, report, trace",
    "ApplyReport": "apply",
    "RestoreReport": "restore",
    "StatusReport": "status",
    "DoctorReport": "doctor",
    "InvokeReport": "invoke",
    "FailedReport": "one of several functions that failed",
    "CommentReport": "report --markdown",
    "WhyReport": "why",
    "ShiftReport": "shift",
    "CleanReport": "clean",
}
ERROR = {
    "type": "object",
    "description": "What went wrong, what to do, and the exit code.",
    "properties": {"what": {"type": "string"}, "advice": {"type": "string"}, "code": {"type": "integer"}},
    "required": ["what", "advice", "code"],
    "additionalProperties": False,
}
BASIC: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}


def schema() -> dict[str, Any]:
    """The schema of what ``--output json`` writes."""
    known: dict[str, Any] = {"error": ERROR}
    reports = [_reference(report, known) for report in typing.get_args(models.Report)]
    failed = {"type": "object", "properties": {"error": {"$ref": "#/$defs/error"}}, "required": ["error"]}
    several = {
        "type": "object",
        "properties": {"functions": {"type": "array", "items": {"anyOf": reports}}, "error": {"$ref": "#/$defs/error"}},
        "required": ["functions"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ldeploy COMMAND --output json",
        "anyOf": [*reports, several, {**failed, "additionalProperties": False}],
        "$defs": dict(sorted(known.items())),
    }


def _reference(kind: Any, known: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    if name not in known:
        known[name] = {}
        known[name] = _object(kind, known)
    return {"$ref": f"#/$defs/{name}"}


def _object(kind: Any, known: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    fields = {one.name: hints[one.name] for one in dataclasses.fields(kind)}
    if fields.get("evidence") is Evidence:  # its counts stand in its place, and the number of its paths
        evidence = typing.get_type_hints(Evidence)
        fields = {name: hint for name, hint in fields.items() if name != "evidence"}
        fields |= {one.name: evidence[one.name] for one in dataclasses.fields(Evidence)} | {"paths": int}
    properties = {name: _type(hint, known) for name, hint in fields.items()}
    optional = {"init_ms"} if kind is Measure else set()
    top = kind in typing.get_args(models.Report)
    if top:
        properties["error"] = {"$ref": "#/$defs/error"}
    told = {"description": f"The answer to {COMMANDS[kind.__name__]}."} if top else {}
    return {
        "type": "object",
        **told,
        "properties": properties,
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
    }


def _type(hint: Any, known: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - a line a kind
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in BASIC:
        return dict(BASIC[hint])
    if dataclasses.is_dataclass(hint):
        return _reference(hint, known)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [one.value for one in hint]}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in {types.UnionType, typing.Union}:
        return {"anyOf": [_type(one, known) for one in arguments]}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _type(arguments[1], known)}
    if origin in {tuple, list, frozenset}:
        return {"type": "array", "items": _type(arguments[0], known)}
    raise TypeError(f"{hint!r} has no schema yet")


def text() -> str:
    """The file as it should be."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
