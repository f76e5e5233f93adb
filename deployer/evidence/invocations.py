"""What Lambda itself and the runtime write to a function's log: REPORT lines, errors, time-outs. Text in, values out.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html and
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html (platform.report).
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any, Final

_REPORT: Final = re.compile(r"REPORT RequestId: (\S+)\s")
_INIT: Final = re.compile(r"\bInit Duration: ([\d.]+) ms")
_DURATION: Final = re.compile(r"\tDuration: ([\d.]+) ms")
_MEMORY: Final = re.compile(r"\bMax Memory Used: (\d+) MB")
_STATUS: Final = re.compile(r"\bStatus: (\w+)")
_TIMED_OUT: Final = re.compile(r"\S+ (\S+) Task timed out after [\d.]+ seconds")
_ERROR: Final = re.compile(r"\[ERROR\] (?:\S+Z\t\S+\t)?[A-Za-z_][\w.]*:|Traceback \(most recent call last\)")


class Status(StrEnum):
    """How an invocation ended."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a REPORT line says."""

    request: str
    status: Status
    init_ms: float | None = None
    """Milliseconds that start-up took, where it belonged to this invocation."""
    duration_ms: float | None = None
    """Milliseconds that the invocation itself took."""
    memory_mb: float | None = None
    """The most memory that the sandbox took so far."""


def read_report(message: str) -> Invocation | None:
    """Return what a REPORT line says, written as text or as JSON; None where the message is none."""
    if message.startswith("{"):
        return _of_json(message)
    match = _REPORT.match(message)
    if match is None:
        return None
    status = _STATUS.search(message)
    figures = (_figure(pattern, message) for pattern in (_INIT, _DURATION, _MEMORY))
    return Invocation(match[1], _status(status[1] if status else ""), *figures)


def _figure(pattern: re.Pattern[str], message: str) -> float | None:
    found = pattern.search(message)
    return float(found[1]) if found else None


def _of_json(message: str) -> Invocation | None:
    fields = _parsed(message)
    if fields.get("type") != "platform.report" or not isinstance(record := fields.get("record"), dict):
        return None
    metrics = record.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    figures = (_number(metrics.get(name)) for name in ("initDurationMs", "durationMs", "maxMemoryUsedMB"))
    return Invocation(str(record.get("requestId", "")), _status(str(record.get("status", ""))), *figures)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _parsed(message: str) -> dict[str, Any]:
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _status(word: str) -> Status:
    """Return the status by Lambda's word for it; it says nothing where all went well, and ``failure`` of a crash."""
    return {"timeout": Status.TIMEOUT, "error": Status.ERROR, "failure": Status.ERROR}.get(word, Status.SUCCESS)


def timed_out(message: str) -> str:
    """Return the request that a line of a time-out names; empty where the message is none."""
    match = _TIMED_OUT.match(message)
    return match[1] if match else ""


def is_error(message: str) -> bool:
    """Return whether the runtime or a logger tells of an exception, as text or as JSON."""
    if message.startswith("{"):
        fields = _parsed(message)
        return "errorType" in fields and "type" not in fields
    return bool(_ERROR.search(message))


def median_start(messages: Iterable[str]) -> float | None:
    """Return the median Init Duration of REPORT lines, in milliseconds; None where no line has one."""
    starts = [found.init_ms for found in map(read_report, messages) if found and found.init_ms is not None]
    return round(median(starts), 2) if starts else None
