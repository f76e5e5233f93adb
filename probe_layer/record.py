"""One line of the log: what a sandbox touched since its last line.

Written by the probe inside Lambda, read by ``deployer.evidence``: one file for both, so that they cannot differ.
A line is one JSON object in ASCII, whole in itself, at most ``limit`` bytes. ``timestamp`` and ``level`` are there
because Lambda drops lines without them when a function logs JSON above INFO
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
"""

import json
from typing import Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple

VERSION = 1
MARK = "ldeploy/%d" % VERSION
"""What a log filter looks for; it stands at the head of each line."""
HEAD = '{"record":"%s"' % MARK
LIMIT = 200_000
"""Longest line in bytes: Lambda splits near 262,144."""

SEEN_BY = {
    "opened": ("inotify", "shim"),
    "looked": ("shim",),
    "listed": ("inotify", "shim"),
    "browsed": ("audit",),
    "read": ("audit",),
    "executed": ("shim",),
    "loaded": ("maps", "shim"),
}
"""The kinds of touch, and the witnesses that a plain kind stands for; with others it is ``kind@witness+witness``."""

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
    witnesses: List[str]  # at work: "inotify", "shim", "maps", "audit"
    faults: List[str]  # what could not be seen, by name
    touched: Dict[str, List[str]]  # a kind, or a kind and its witnesses: "opened", "opened@inotify" … -> paths
    share: float = 1.0  # of all sandboxes, those that were drawn to report
    imported: Dict[str, List[str]] = {}  # noqa: RUF012 - module -> those of the paths that it asked for


def name_touch(kind: str, witnesses: Set[str]) -> str:
    """The key of ``touched`` for a kind that these witnesses saw."""
    return kind if witnesses.issuperset(SEEN_BY[kind]) else kind + "@" + "+".join(sorted(witnesses))


def read_touch(name: str) -> Tuple[str, FrozenSet[str]]:
    """The kind and its witnesses that a key of ``touched`` stands for."""
    kind, _, witnesses = name.partition("@")
    return kind, frozenset(witnesses.split("+") if witnesses else SEEN_BY.get(kind, ()))


def encode(record: Record, limit: int = LIMIT) -> List[str]:
    """The record as one or more lines (without the newline), each whole and at most ``limit`` bytes.

    A path that is itself longer than a line gets a line to itself. Only the first line counts the invocations and
    the faults. Who asked for a path stands in the line of its first touch.
    """
    whole = _line(record)
    if len(whole) <= limit:
        return [whole]
    lines: List[str] = []
    for touched, imported in _portions(record, limit - 1_000):
        first = not lines
        part = record._replace(
            line=record.line + len(lines),
            invocations=record.invocations if first else 0,
            faults=record.faults if first else [],
            touched=touched,
            imported=imported,
        )
        lines.append(_line(part))
    return lines


def _line(record: Record) -> str:
    return json.dumps(dict([("record", MARK)], **record._asdict()), separators=(",", ":"))


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


_Paths = Dict[str, List[str]]


def _portions(record: Record, limit: int) -> List[Tuple[_Paths, _Paths]]:
    """The same paths in as many portions as are needed, each about ``limit`` bytes when encoded."""
    portions: List[Tuple[_Paths, _Paths]] = [({}, {})]
    used = 0
    for entries in _entries(record):
        size = sum(len(json.dumps(path)) + len(json.dumps(name)) + 5 for _, name, path in entries)
        if used and used + size > limit:
            portions.append(({}, {}))
            used = 0
        for field, name, path in entries:
            portions[-1][field].setdefault(name, []).append(path)
        used += size
    return portions


def _entries(record: Record) -> Iterator[List[Tuple[int, str, str]]]:
    """What may not be parted: (0 for touched and 1 for imported, name, path)."""
    askers: Dict[str, List[str]] = {}
    for module, paths in record.imported.items():
        for path in paths:
            askers.setdefault(path, []).append(module)
    for name, paths in record.touched.items():
        for path in paths:
            yield [(0, name, path)] + [(1, module, path) for module in askers.pop(path, [])]
    for path, modules in askers.items():
        yield [(1, module, path) for module in modules]


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
        and all(isinstance(field, dict) for field in (record.touched, record.imported))
        and all(_all_text(paths) for field in (record.touched, record.imported) for paths in field.values())
    )


def _all_text(texts: object) -> bool:
    return isinstance(texts, list) and all(isinstance(text, str) for text in texts)
