"""Log events -> Evidence: which paths real invocations touched, how, when, and in how many sandboxes.

A stage: no network, clock or environment. Memory grows with the number of paths, not of events or sandboxes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from deployer.errors import WorkspaceError
from deployer.evidence.collector import Tally
from deployer.models.evidence import Evidence, LineCount, LogEvent, PathEvidence, Phase, Touch
from probe_layer.record import SMALLEST_SHARE

VERSION = 1
"""Of the JSON that ``to_json`` writes."""


def gather(events: Iterable[LogEvent], package: str, onto: Evidence | None = None) -> Evidence:
    """What the events tell of the package, merged with what was known.

    Takes any text and raises on none. A sandbox is counted by its first line, and a path's sandboxes kind by
    kind, as a sandbox logs a path once for each kind of touch: that number is exact where it is 1, and where
    all sandboxes touched the path in one same way; otherwise it may be too low, never too high, so that the
    coverage is not overstated.

    Args:
        events: in about the order of the log; one that comes twice within 50,000 others is counted once.
        package: the label of the package; records of others are counted, their paths not used.
        onto: evidence of the same package from events other than these.
    """
    tally = Tally(package)
    for event in events:
        tally.read(event)
    found = tally.evidence()
    return merge(onto, found) if onto else found


def merge(one: Evidence, other: Evidence) -> Evidence:
    """Both together, in either order: counts add up, the earliest touch of a path is its first.

    Raises:
        ValueError: they are of different packages.
    """
    if one.package != other.package:
        raise ValueError(f"evidence of {other.package} cannot be merged with that of {one.package}")
    both = one.paths.keys() & other.paths.keys()
    return Evidence(
        package=one.package,
        paths={**one.paths, **other.paths} | {path: _merge(one.paths[path], other.paths[path]) for path in both},
        sandboxes=one.sandboxes + other.sandboxes,
        invocations=one.invocations + other.invocations,
        lines=LineCount(**_sum(asdict(one.lines), asdict(other.lines))),
        faults=_sum(one.faults, other.faults),
        since=min(filter(None, (one.since, other.since)), default=""),
        until=max(one.until, other.until),
        population=one.population + other.population,
    )


def _merge(one: PathEvidence, other: PathEvidence) -> PathEvidence:
    """One path's evidence from both; a sandbox that touched it first in both is counted once."""
    return replace(
        min(one, other, key=lambda seen: (seen.first_seen, seen.sandbox, seen.phase, seen.request or "")),
        touches=one.touches | other.touches,
        sandboxes=one.sandboxes + other.sandboxes - (one.sandbox == other.sandbox),
        witnesses=one.witnesses | other.witnesses,
        imported_by=min(filter(None, (one.imported_by, other.imported_by)), default=""),
    )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


# -- kept ----------------------------------------------------------------------------------------------------


def to_json(evidence: Evidence) -> str:
    """One JSON object, the same text for the same evidence; ``from_json`` reads it."""
    fields: dict[str, Any] = {"version": VERSION, **asdict(evidence)}
    for seen in fields["paths"].values():
        seen |= {"touches": sorted(seen["touches"]), "witnesses": sorted(seen["witnesses"])}
    return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> Evidence:
    """What ``to_json`` wrote.

    Raises:
        WorkspaceError: the text is broken, or of a version that is not known here.
    """
    try:
        fields = json.loads(text)
        if fields["version"] == VERSION:
            return _evidence(fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WorkspaceError(
            "The evidence that an earlier run left is broken.",
            "Remove it and run ldeploy shrink --from-logs again, with --since as far back as the log goes.",
        ) from error
    raise WorkspaceError(
        f"The evidence that an earlier run left is of version {fields['version']}, not {VERSION}.",
        "Use the ldeploy that wrote it, or a newer one.",
    )


def _evidence(fields: dict[str, Any]) -> Evidence:
    return Evidence(
        package=_text(fields["package"]),
        paths={path: _path_evidence(seen) for path, seen in fields["paths"].items()},
        sandboxes=_count(fields["sandboxes"]),
        invocations=_count(fields["invocations"]),
        lines=LineCount(**{name: _count(number) for name, number in fields["lines"].items()}),
        faults={name: _count(number) for name, number in fields["faults"].items()},
        since=_text(fields["since"]),
        until=_text(fields["until"]),
        population=_population(float(fields["population"]), _count(fields["sandboxes"])),
    )


def _population(population: float, sandboxes: int) -> float:
    """Evidence of before held whatever share a line gave: endless, or none at all."""
    return population if population <= sandboxes / SMALLEST_SHARE else float(sandboxes)


def _path_evidence(fields: dict[str, Any]) -> PathEvidence:
    return PathEvidence(
        touches=frozenset(Touch(kind) for kind in fields["touches"]),
        sandboxes=_count(fields["sandboxes"]),
        first_seen=_text(fields["first_seen"]),
        phase=Phase(fields["phase"]),
        request=None if fields["request"] is None else _text(fields["request"]),
        sandbox=_text(fields["sandbox"]),
        witnesses=frozenset(_text(name) for name in fields.get("witnesses", ())),
        imported_by=_text(fields.get("imported_by", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value
