"""One line of the log: what a sandbox touched since its last line.

Written by the probe inside Lambda, read by ``deployer``: one file for both, so that they cannot differ.

A line is one JSON object in ASCII, whole in itself. ``package`` comes first, so that a line that is broken off still
says whose it is; a field that has its usual value is left out. ``packed`` holds the paths, each once: JSON, deflated,
as base64. So a line is short, and no metric filter takes ``exceptions.py`` for an exception. ``timestamp`` and
``level`` are there because Lambda drops lines without them when a function logs JSON above INFO
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).

Version 1 wrote ``touched`` and ``imported`` as they are. It is still read.
"""

import binascii
import zlib
from functools import lru_cache
from json import JSONDecoder, dumps, loads
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

HEAD = '{"record":"ldeploy/'
"""How each line begins; the version follows."""
OLD_MARK, MARK = "ldeploy/1", "ldeploy/2"
"""What a log filter looks for: of records of before, and of those that are written now."""
LIMIT = 4_095
"""Longest line in bytes, without its newline. A write of up to PIPE_BUF (4,096) bytes to a pipe is not mixed with
those of other processes (POSIX, ``write``)."""

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

LARGEST = 2**31
"""A line number or a count above this is no probe's."""
SMALLEST_SHARE = 1e-6
"""``wrapper`` draws with six digits."""
_SHORT, _LONG, _MANY = 64, 256, 64  # characters of a name, of a request's id; names in a list
_UNPACKED = 1 << 20  # bytes: a line of ours unpacks to a few ten thousand
_DECODER = JSONDecoder()


class CutError(ValueError):
    """The line begins as a record and is no whole one."""


class MisfitError(ValueError):
    """The line is a whole record with a field that no probe writes."""


class Record(NamedTuple):
    """What one sandbox touched since its last line; each path once in a sandbox's life and for each kind of touch.

    Paths are relative to the package's root; those of layers are absolute (``/opt/...``); bytes that are not UTF-8
    are surrogate escapes (PEP 383).
    """

    timestamp: str  # RFC 3339, UTC
    level: str  # of the log, so that no filter drops the line
    sandbox: str  # 16 hex digits, drawn once in a sandbox's life
    line: int  # 0, 1, 2 … within the sandbox: a gap is a lost line
    package: str  # what the deployment gave the probe: the label of the package, and a nonce
    phase: str  # "start", "invoke" or "idle"
    request: Optional[str]  # the request that was being answered
    invocations: int  # finished since the last line
    witnesses: List[str]  # at work: "inotify", "shim", "maps", "audit"
    faults: List[str]  # what could not be seen, by name
    touched: Dict[str, List[str]]  # a kind, or a kind and its witnesses: "opened", "opened@inotify" … -> paths
    share: float = 1.0  # of all sandboxes, those that were drawn to report
    imported: Dict[str, List[str]] = {}  # noqa: RUF012 - module -> those of the paths that it asked for


_Paths = Dict[str, List[str]]
_Entry = Tuple[str, List[str], List[str]]  # path, kinds of touch, modules that asked for it
_USUAL: Dict[str, Any] = {"request": None, "invocations": 0, "witnesses": [], "faults": [], "share": 1.0}


def name_touch(kind: str, witnesses: Set[str]) -> str:
    """Return the key of ``touched`` for a kind that these witnesses saw."""
    return kind if witnesses.issuperset(SEEN_BY[kind]) else kind + "@" + "+".join(sorted(witnesses))


def read_touch(name: str) -> Tuple[str, FrozenSet[str]]:
    """Return the kind and the witnesses that a key of ``touched`` stands for."""
    kind, _, witnesses = name.partition("@")
    return kind, frozenset(witnesses.split("+") if witnesses else SEEN_BY.get(kind, ()))


# -- writing -------------------------------------------------------------------------------------------------------


def encode(record: Record, limit: int = LIMIT) -> List[str]:
    """Return the record as one or more lines (without the newline), each whole and at most ``limit`` bytes.

    A path that does not fit into a line gets a longer one to itself. Only the first line counts the invocations and
    the faults. Who asked for a path stands in the line of its first touch.
    """
    entries = _entries(record)
    lines: List[str] = []
    at, budget = 0, 4 * limit
    while at < len(entries) or not lines:
        end, size = _reach(entries, at, budget)
        part = record._replace(line=record.line + len(lines))
        line = _line(part._replace(invocations=0, faults=[]) if lines else part, entries[at:end])
        if len(line) <= limit or end - at < 2:
            lines.append(line)
            at = end
        budget = size * limit * 9 // (len(line) * 10)  # what deflated so far foretells what will
    return lines


def _reach(entries: List[_Entry], start: int, budget: int) -> Tuple[int, int]:
    """Where a portion of about so many characters ends, one path at least; and how many they are."""
    size = 0
    for at in range(start, len(entries)):
        path, kinds, modules = entries[at]
        longer = size + len(path) + 8 * (len(kinds) + len(modules))
        if at > start and longer > budget:
            return at, size
        size = longer
    return len(entries), size


def _entries(record: Record) -> List[_Entry]:
    """Each path with its kinds and askers, in sorted order: neighbours deflate well, and sandboxes that touch the same
    write the same."""
    entries: Dict[str, _Entry] = {}
    for place, field in ((1, record.touched), (2, record.imported)):
        for name, paths in field.items():
            for path in paths:
                names = entries.setdefault(path, (path, [], []))[place]
                if name not in names:
                    names.append(name)  # type: ignore[union-attr]
    return [entries[path] for path in sorted(entries)]


def _line(record: Record, entries: List[_Entry]) -> str:
    fields = {"record": MARK, "package": record.package, "sandbox": record.sandbox, "line": record.line}
    given = dict(record._asdict(), touched={}, imported={})
    fields.update((name, value) for name, value in given.items() if value != _USUAL.get(name, {}))
    if entries:
        fields["packed"] = pack(entries)
    return dumps(fields, separators=(",", ":"))


def pack(entries: List[_Entry]) -> str:
    """Return paths, with how they were touched and who asked for them, as base64."""
    places: Tuple[Dict[str, List[int]], Dict[str, List[int]]] = ({}, {})
    for number, (_, *names) in enumerate(entries):
        for field, each in zip(places, names):
            for name in each:
                field.setdefault(name, []).append(number)
    touched, imported = ({name: _runs(numbers) for name, numbers in field.items()} for field in places)
    text = dumps([[entry[0] for entry in entries], touched, imported], separators=(",", ":"))
    return binascii.b2a_base64(zlib.compress(text.encode("ascii"), 6), newline=False).decode("ascii")


def _runs(numbers: Iterable[int]) -> List[int]:
    """Rising numbers as runs: so many are left out, so many follow, so many are left out …"""
    runs: List[int] = []
    last = -1
    for number in numbers:
        if runs and number == last + 1:
            runs[-1] += 1
        else:
            runs += [number - last - 1, 1]
        last = number
    return runs


# -- reading -------------------------------------------------------------------------------------------------------


def decode(text: str) -> Optional[Record]:
    """Return the record in a log event's text, or None where there is none of ours.

    What stands before or behind it is passed over: a function may print without a newline.

    Raises:
        CutError: a record begins here and is broken off, or is of another shape.
        MisfitError: it is whole, and a field is out of bounds.
    """
    start = text.find(HEAD)
    if start < 0:
        return None
    try:
        fields, _ = _DECODER.raw_decode(text, start)
        mark = fields.pop("record")
        if mark == MARK:
            touched, imported = unpack(fields.pop("packed", ""))
            fields = dict(_USUAL, **fields, touched=touched, imported=imported)
        elif mark != OLD_MARK:
            return None
        record = Record(**fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CutError(str(error)) from error
    if not _well_formed(record):
        raise MisfitError("a field of the record is out of bounds")
    return record


@lru_cache(256)
def unpack(packed: str) -> Tuple[_Paths, _Paths]:
    """Return ``touched`` and ``imported`` of a line's ``packed``; not to be changed.

    Raises:
        CutError: it is not what ``pack`` writes.
    """
    if not packed:
        return {}, {}
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(binascii.a2b_base64(packed), _UNPACKED)
        if not inflate.eof:
            raise ValueError("it is cut off, or too long")
        paths, touched, imported = loads(text)
        if not _all_text(paths):
            raise ValueError("a path is no text")
        return _spelled(paths, touched), _spelled(paths, imported)
    except (ValueError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        raise CutError(str(error)) from error


def _spelled(paths: List[str], field: Dict[str, List[int]]) -> _Paths:
    return {name: list(_chosen(paths, runs)) for name, runs in field.items()}


def _chosen(paths: List[str], runs: List[int]) -> Iterator[str]:
    """The paths of the runs; those of a forged line end where the paths do."""
    at = 0
    for gap, length in zip(runs[::2], runs[1::2]):
        if gap < 0 or length < 1 or at + gap + length > len(paths):
            raise ValueError("a run leads out of the paths")
        at += gap
        yield from paths[at : at + length]
        at += length


def _well_formed(record: Record) -> bool:
    """Check that each field has its type and is within its bounds: the log may hold anything."""
    names = (record.timestamp, record.level, record.sandbox, record.package, record.phase)
    return (
        all(isinstance(text, str) and len(text) <= _SHORT for text in names)
        and (record.request is None or (isinstance(record.request, str) and len(record.request) <= _LONG))
        and all(type(number) is int and 0 <= number <= LARGEST for number in (record.line, record.invocations))
        and type(record.share) is float
        and SMALLEST_SHARE <= record.share <= 1
        and all(_is_short(texts) for texts in (record.witnesses, record.faults))
        and all(isinstance(field, dict) for field in (record.touched, record.imported))
        and all(_all_text(paths) for field in (record.touched, record.imported) for paths in field.values())
    )


def _is_short(texts: object) -> bool:
    few = isinstance(texts, list) and len(texts) <= _MANY
    return few and all(isinstance(text, str) and len(text) <= _SHORT for text in texts)  # type: ignore[attr-defined]


def _all_text(texts: object) -> bool:
    return isinstance(texts, list) and all(isinstance(text, str) for text in texts)
