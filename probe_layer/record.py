"""One line of the log: what a sandbox touched since its last line.

Written by the probe inside Lambda, read by ``deployer.evidence``: one file for both, so that they cannot differ.
A line is one JSON object in ASCII, whole in itself, at most ``limit`` bytes. ``timestamp`` and ``level`` are there
because Lambda drops lines without them when a function logs JSON above INFO
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
"""

import json
from typing import Dict, List, NamedTuple, Optional

VERSION = 1
MARK = "ldeploy/%d" % VERSION
"""What a log filter looks for; it stands at the head of each line."""
HEAD = '{"record":"%s"' % MARK
LIMIT = 200_000
"""Longest line in bytes: Lambda splits near 262,144."""

_DECODER = json.JSONDecoder()


class CutError(ValueError):
    """The line begins as a record of ours and is no whole one."""


class Record(NamedTuple):
    """What one sandbox touched since its last line; each path once in a sandbox's life and for each kind of touch.

    Paths are relative to the package's root; those of layers are absolute (``/opt/...``); bytes that are not UTF-8
    are surrogate escapes (PEP 383).
    """

    timestamp: str  # RFC 3339, UTC
    level: str  # of the log, so that no filter drops the line
    sandbox: str  # 16 hex digits, drawn once in a sandbox's life
    line: int  # 0, 1, 2 … within the sandbox: a gap is a lost line
    package: str  # the label of the package that was deployed
    phase: str  # "start", "invoke" or "idle"
    request: Optional[str]  # the request that was being answered
    invocations: int  # finished since the last line
    witnesses: List[str]  # at work: "inotify", "shim"
    faults: List[str]  # what could not be seen, by name
    touched: Dict[str, List[str]]  # "opened", "looked", "listed", "executed" -> paths
    share: float = 1.0  # of all sandboxes, those that were drawn to report


def encode(record: Record, limit: int = LIMIT) -> List[str]:
    """The record as one or more lines (without the newline), each whole and at most ``limit`` bytes.

    A path that is itself longer than a line gets a line to itself. Only the first line counts the invocations and
    the faults.
    """
    lines: List[str] = []
    for touched in _portions(record.touched, limit - 1_000):
        first = not lines
        part = record._replace(
            line=record.line + len(lines),
            invocations=record.invocations if first else 0,
            faults=record.faults if first else [],
            touched=touched,
        )
        lines.append(json.dumps(dict([("record", MARK)], **part._asdict()), separators=(",", ":")))
    return lines


def decode(text: str) -> Optional[Record]:
    """The record in a log event's text, or None where there is none of ours.

    What stands before or behind it is passed over: a function may print without a newline.

    Raises:
        CutError: a record begins here and is broken off, or is of another shape.
    """
    start = text.find(HEAD)
    if start < 0:
        return None
    try:
        fields, _ = _DECODER.raw_decode(text, start)
        del fields["record"]
        record = Record(**fields)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CutError(str(error)) from error
    if not _well_formed(record):
        raise CutError("a field of the record has another type")
    return record


def _portions(touched: Dict[str, List[str]], limit: int) -> List[Dict[str, List[str]]]:
    """The same paths in as many portions as are needed, each about ``limit`` bytes when encoded."""
    portions: List[Dict[str, List[str]]] = [{}]
    used = 0
    for kind, paths in touched.items():
        for path in paths:
            size = len(json.dumps(path)) + 1 + (0 if kind in portions[-1] else len(kind) + 6)
            if used and used + size > limit:
                portions.append({})
                used = 0
            portions[-1].setdefault(kind, []).append(path)
            used += size
    return portions


def _well_formed(record: Record) -> bool:
    """Whether each field has its type: the log may hold anything."""
    plain = (record.timestamp, record.level, record.sandbox, record.package, record.phase)
    return (
        all(isinstance(text, str) for text in plain)
        and (record.request is None or isinstance(record.request, str))
        and all(type(number) is int for number in (record.line, record.invocations))
        and type(record.share) is float
        and 0 < record.share <= 1
        and all(_all_text(texts) for texts in (record.witnesses, record.faults))
        and isinstance(record.touched, dict)
        and all(_all_text(paths) for paths in record.touched.values())
    )


def _all_text(texts: object) -> bool:
    return isinstance(texts, list) and all(isinstance(text, str) for text in texts)
