"""Log events -> Evidence: which paths real invocations touched, how, when, and in how many sandboxes.

A stage: no network, clock or environment. Memory grows with the number of paths, not of events or sandboxes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from deployer.evidence.collector import Tally
from deployer.models.evidence import Evidence, LineCount, LogEvent, PathEvidence, Phase, Touch
from deployer.versioned import Form, count, of_type
from probe_layer.record import SMALLEST_SHARE

_FORM: Final = Form(
    "The evidence that an earlier run left",
    1,
    "Remove it and run ldeploy shrink --from-logs again, with --since as far back as the log goes.",
)


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
    fields: dict[str, Any] = asdict(evidence)
    for seen in fields["paths"].values():
        seen |= {"touches": sorted(seen["touches"]), "witnesses": sorted(seen["witnesses"])}
    return _FORM.write(fields, sort_keys=True)


def from_json(text: str) -> Evidence:
    """What ``to_json`` wrote.

    Raises:
        WorkspaceError: the text is broken, or of a version that is not known here.
    """
    return _FORM.read(text, _evidence)


def _evidence(fields: dict[str, Any]) -> Evidence:
    return Evidence(
        package=of_type(str, fields["package"]),
        paths={path: _path_evidence(seen) for path, seen in fields["paths"].items()},
        sandboxes=count(fields["sandboxes"]),
        invocations=count(fields["invocations"]),
        lines=LineCount(**{name: count(number) for name, number in fields["lines"].items()}),
        faults={name: count(number) for name, number in fields["faults"].items()},
        since=of_type(str, fields["since"]),
        until=of_type(str, fields["until"]),
        population=_population(float(fields["population"]), count(fields["sandboxes"])),
    )


def _population(population: float, sandboxes: int) -> float:
    """Evidence of before held whatever share a line gave: endless, or none at all."""
    return population if population <= sandboxes / SMALLEST_SHARE else float(sandboxes)


def _path_evidence(fields: dict[str, Any]) -> PathEvidence:
    return PathEvidence(
        touches=frozenset(Touch(kind) for kind in fields["touches"]),
        sandboxes=count(fields["sandboxes"]),
        first_seen=of_type(str, fields["first_seen"]),
        phase=Phase(fields["phase"]),
        request=None if fields["request"] is None else of_type(str, fields["request"]),
        sandbox=of_type(str, fields["sandbox"]),
        witnesses=frozenset(of_type(str, name) for name in fields.get("witnesses", ())),
        imported_by=of_type(str, fields.get("imported_by", "")),
    )
