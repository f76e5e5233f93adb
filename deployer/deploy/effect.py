"""A plan as its effect: what is there afterwards that was not, what is gone, what is another."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Final, assert_never

from deployer.deploy import steps as kinds
from deployer.deploy.shift_steps import BeginShift, ShareAlias
from deployer.deploy.steps import Step
from deployer.deploy.trial import trial_name
from deployer.instrumentation.configure import own_layer
from deployer.models.function import Configuration
from deployer.words import counted, megabytes

_UNITS: Final[Mapping[str, str]] = {"memory": " MB", "timeout": " s", "storage": " MB of /tmp"}
_APART: Final = frozenset({"environment", "layers"})
_NAMED: Final = 4
"""So many variables are named."""


def effects(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return one line for each thing that changes: ``+`` comes, ``-`` goes, ``~`` is another afterwards.

    What takes its time and leaves nothing begins with ``·``. What a plan does inside (state, descriptions) is not told;
    ``--verbose`` shows the steps themselves.
    """
    lines = ((*(f"· {text}" for text in activities(step)), *changes(step)) for step in steps)
    return tuple(dict.fromkeys(line for several in lines for line in several))


def activities(step: Step) -> Iterator[str]:
    """Yield what a step does that takes its time and leaves nothing."""
    match step:
        case kinds.Invoke(name, events, rounds):
            fresh = f", in each of {counted(rounds, 'fresh sandbox', 'fresh sandboxes')}" if rounds else ""
            yield f"send the events of {events.name}/ to {name}{fresh}"
        case kinds.MakeTrial(name):
            yield f"make {trial_name(name)} for the trial, and delete it afterwards"
        case kinds.Try() | ShareAlias():
            yield f"{step}"
        case _:
            return


def changes(step: Step) -> Iterator[str]:  # noqa: PLR0912 - one line a kind of step
    """Yield a line for each thing that a step changes."""
    match step:
        case kinds.MakeBucket(bucket):
            yield f"+ bucket {bucket}"
        case kinds.Upload(_, zipped) | kinds.KeepCode(_, zipped):
            yield f"+ {megabytes(zipped.zip_bytes)} in s3://{zipped.bucket}"
        case kinds.Create(name, wanted, _):
            yield f"+ function {name}: {wanted.runtime}, {wanted.memory:,} MB, {wanted.timeout} s"
        case kinds.PublishVersion(name, note):
            yield f"+ version of {name}: {note}"
        case kinds.PublishPruned() as layer:
            yield f"+ layer {layer.name}: {counted(layer.zip.files, 'file')}, {megabytes(layer.zip.bytes)}"
        case kinds.UpdateCode(_, zipped, _, was):
            yield f"~ code {f'{megabytes(was)} -> ' if was else ''}{megabytes(zipped.zip_bytes)} zipped"
        case kinds.UpdateConfiguration(_, wanted, _, was_configured):
            yield from _configured(was_configured, wanted) if was_configured else ()
        case kinds.AttachPolicy(role, policy, _):
            yield f"+ policy {policy} on {_short(role)}"
        case kinds.DetachPolicy(role, policy):
            yield f"- policy {policy} on {_short(role)}"
        case kinds.MoveAlias(_, alias, to):
            yield f"~ alias {alias} -> {to or 'the new version'}"
        case kinds.Delete(kind, what, _, why):
            yield f"- {kind} {what} ({why})"
        case kinds.Invoke() | kinds.Try() | kinds.MakeTrial() | kinds.DropTrial() | ShareAlias() | BeginShift():
            return
        case kinds.SaveState() | kinds.Describe() | kinds.PublishLayer():
            return
        case _:
            assert_never(step)


def _configured(was: Configuration, wanted: Configuration) -> Iterator[str]:
    """Yield what differs; of variables the names, never a value."""
    come, go = _beside(wanted.layers, was.layers), _beside(was.layers, wanted.layers)
    yield from (f"+ layer {_layer(arn)}" for arn in come)
    yield from (f"- layer {_layer(arn)}" for arn in go)
    before, after = was.environment, wanted.environment
    yield from _variables("+", [name for name in after if name not in before])
    yield from _variables("-", [name for name in before if name not in after])
    yield from _variables("~", [name for name in after if name in before and after[name] != before[name]])
    for one in fields(wanted):
        old, new = getattr(was, one.name), getattr(wanted, one.name)
        if one.name not in _APART and old != new:
            yield f"~ {one.name} {_amount(old)} -> {_amount(new)}{_UNITS.get(one.name, '')}"


def _beside(layers: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return the layers that are not among others; one of ours is the same in whatever version."""
    known = {own_layer(arn) or arn for arn in others}
    return [arn for arn in layers if (own_layer(arn) or arn) not in known]


def _amount(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def _variables(sign: str, names: list[str]) -> Iterator[str]:
    if names:
        more = ", ..." if len(names) > _NAMED else ""
        yield f"{sign} {counted(len(names), 'variable')} ({', '.join(sorted(names)[:_NAMED])}{more})"


def _layer(arn: str) -> str:
    """Return a layer's name and version; of one that is to be published the name alone."""
    name = ":".join(arn.split(":")[6:]) or arn
    return name.removesuffix(":to-be-published")


def _short(role: str) -> str:
    return role.rpartition("/")[2]
