"""What Lambda itself writes to the log, and which of the function's lines it lets through; text in, text out.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html and
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html.
"""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

SPLIT: Final = 262_144
"""Longest message in bytes; a longer line goes on in the next."""

LEVELS: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SAME: Final = {"WARNING": "WARN", "CRITICAL": "FATAL", "EXCEPTION": "ERROR"}
_SIGNALS: Final = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGTERM: "terminated",
}
"""As Lambda names them."""


@dataclass(frozen=True)
class Report:
    """What the REPORT line of one invocation says."""

    request: str
    duration_ms: float
    memory_mb: int
    used_mb: int
    start_ms: float | None = None
    """Start-up, where it belonged to this invocation and went before it."""
    status: str = "success"
    """Or ``timeout`` or ``error``."""
    error: str = ""
    """The error's type."""


def init_start(runtime: str, *, as_json: bool) -> str:
    """Log INIT_START, before the runtime starts."""
    arn = f"arn:aws:lambda:local::runtime:{runtime}"
    version = f"{runtime.replace('python', 'python:')}.local"
    if not as_json:
        return f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\n"
    record = {"initializationType": "on-demand", "phase": "init", "runtimeVersion": version}
    return platform("initStart", {**record, "runtimeVersionArn": arn})


def init_report(duration_ms: float, phase: str, status: str, error: str, *, as_json: bool) -> str:
    """Log a start-up that failed (``error``) or took too long (``timeout``)."""
    if as_json:
        record = {"initializationType": "on-demand", "phase": phase, "status": status}
        metrics = {"metrics": {"durationMs": round(duration_ms, 3)}}
        return platform("initReport", {**record, **metrics, **({"errorType": error} if error else {})})
    end = f"\tError Type: {error}" if error else ""
    return f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {status}{end}\n"


def start(request: str, version: str, *, as_json: bool) -> str:
    """Log START, before the function is called."""
    if as_json:
        return platform("start", {"requestId": request, "version": version})
    return f"START RequestId: {request} Version: {version}\n"


def finish(report: Report, *, as_json: bool) -> Iterator[str]:
    """Log END and REPORT."""
    if as_json:
        yield platform("report", _report_record(report))
        return
    yield f"END RequestId: {report.request}\n"
    billed = int(-(-report.duration_ms // 1))
    line = f"REPORT RequestId: {report.request}\tDuration: {report.duration_ms:.2f} ms\t"
    line += f"Billed Duration: {billed} ms\tMemory Size: {report.memory_mb} MB\t"
    line += f"Max Memory Used: {report.used_mb} MB\t"
    if report.start_ms is not None:
        line += f"Init Duration: {report.start_ms:.2f} ms\t"
    if report.status != "success":
        line += f"Status: {report.status}" + (f"\tError Type: {report.error}" if report.error else "")
    yield line + "\n"


def _report_record(report: Report) -> dict[str, Any]:
    metrics: dict[str, float] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": int(-(-report.duration_ms // 1)),
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.used_mb,
    }
    if report.start_ms is not None:
        metrics["initDurationMs"] = round(report.start_ms, 3)
    record = {"requestId": report.request, "metrics": metrics, "status": report.status}
    return record | ({"errorType": report.error} if report.error else {})


def platform(kind: str, record: dict[str, Any]) -> str:
    """Return one of Lambda's own lines as JSON."""
    return json.dumps({"time": now(), "type": f"platform.{kind}", "record": record}) + "\n"


def now() -> str:
    """Return the time as RFC 3339, in milliseconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def how_it_ended(how: str) -> str:
    """Return the end of a runtime in Lambda's words: ``Runtime exited with error: exit status 1``."""
    if not how.startswith("exit ") or how == "exit 0":
        return "Runtime exited without providing a reason"
    code = int(how.removeprefix("exit "))
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    number = -code
    name = _SIGNALS.get(signal.Signals(number)) if number in set(signal.Signals) else None
    return f"Runtime exited with error: signal: {name or f'signal {number}'}"


def let_through(line: str, minimum: str) -> bool:
    """Return whether a line of a function that logs JSON is at its level or above it.

    A line that is no JSON object with a ``level`` and an RFC 3339 ``timestamp`` counts as INFO.
    """
    return LEVELS.index(level_of(line)) >= LEVELS.index(minimum)


def level_of(line: str) -> str:
    """Return the level that a line states, or INFO."""
    try:
        fields = json.loads(line)
        datetime.fromisoformat(fields["timestamp"])
        level = str(fields["level"]).upper()
    except (ValueError, TypeError, KeyError):
        return "INFO"
    level = _SAME.get(level, level)
    return level if level in LEVELS else "INFO"


def split(line: bytes) -> Iterator[bytes]:
    """Split a line into messages of at most ``SPLIT`` bytes."""
    for offset in range(0, max(len(line), 1), SPLIT):
        yield line[offset : offset + SPLIT]
