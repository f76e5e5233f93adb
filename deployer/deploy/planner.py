"""State found + state wanted -> frozen steps, each safe to carry out again.

A run that was cut off after any step is mended by planning anew from what is found then: a step that has been
done is left out, or does nothing. What was there before is written down before the first step that changes the
function; code is made smaller before layers come, and layers go before code is made bigger, so that code and
layers together stay under the limit at each update (serverless #8313).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from deployer.deploy.shift_steps import BeginShift, ShareAlias
from deployer.deploy.steps import (
    AttachPolicy,
    Create,
    Delete,
    Describe,
    DetachPolicy,
    DropTrial,
    Invoke,
    KeepCode,
    MakeBucket,
    MakeTrial,
    MoveAlias,
    PublishLayer,
    PublishPruned,
    PublishVersion,
    SaveState,
    Step,
    Steps,
    Try,
    UpdateCode,
    UpdateConfiguration,
    Upload,
)
from deployer.instrumentation.configure import PROBE_LAYER, START_LAYER, arm, is_armed
from deployer.instrumentation.layer_zip import LAYER_NAME, START_LAYER_NAME
from deployer.models.function import Configuration, Function, Routing, StoredZip
from deployer.slim.build import SlimPackage
from deployer.state.baseline import deployed
from deployer.state.shift import Shift
from deployer.state.stages import Act
from deployer.state.state import State, carried
from deployer.whitelist import Inventory

__all__ = [
    "AttachPolicy",
    "BeginShift",
    "Create",
    "Delete",
    "Describe",
    "DetachPolicy",
    "DropTrial",
    "Invoke",
    "KeepCode",
    "MakeBucket",
    "MakeTrial",
    "MoveAlias",
    "ProbePlan",
    "PublishLayer",
    "PublishPruned",
    "PublishVersion",
    "Redeployment",
    "SaveState",
    "ShareAlias",
    "Step",
    "Steps",
    "Try",
    "UpdateCode",
    "UpdateConfiguration",
    "Upload",
    "detach",
    "probe",
    "restore",
    "shrink",
    "take_back",
]


BEFORE: Final = "before ldeploy probe"
"""The description of a version that holds what was there before begins with this."""


@dataclass(frozen=True)
class ProbePlan:
    """How a full package will be probed."""

    state: State
    """What is wanted and what was before (stage PROBING)."""
    uploads: Mapping[str, Path]
    """Key of a zip that comes from this machine -> where it is: the full package, its stub."""
    policies: tuple[AttachPolicy, ...] = ()
    """Those that let the function read its package, where it must."""
    warnings: tuple[str, ...] = ()
    alias: str = ""
    """The alias that is led to the probe; empty for none."""


@dataclass(frozen=True)
class Redeployment:
    """What replaces the code and configuration that are deployed."""

    state: State
    """With the slim package (stage SHRINKING)."""
    configuration: Configuration
    """Without the probe."""
    package: SlimPackage
    full: Path | None = None
    """The full package's zip on this machine, if it is not in S3 yet."""
    layers: tuple[PublishPruned, ...] = ()
    """Those that replace layers of the function's own."""
    policies: tuple[AttachPolicy, ...] = ()
    """Those that let the function read what stays in S3."""
    trial: Try | None = None
    """With the recorded events, where they can be sent again."""
    alias: str = ""
    """Through which traffic comes; empty where ``$LATEST`` itself is called."""
    shift: Shift | None = None
    """Where a part of the traffic comes first."""


def probe(
    found: Function | None, plan: ProbePlan, inventory: Inventory, make_bucket: str | None, sending: Invoke | None
) -> Steps:
    """Plan the way from what is found to the full package with the probe in.

    Args:
        found: the function, or None where it is to be created first.
        plan: what is deployed, and what was there before.
        inventory: of the full package.
        make_bucket: a bucket to make first.
        sending: the events that are sent at the end.
    """
    state, uploads = plan.state, plan.uploads
    name, note = state.function, f"{BEFORE} of {state.packages.full.label}"
    label = carried(state.packages.full.label, state.probe.nonce)
    armed = arm(state.probe.configuration, PROBE_LAYER, label, state.probe.sample)
    why = (
        "the probe in"
        if state.probe.sample == 1
        else f"the probe in, a share of {state.probe.sample:g} of the sandboxes reports"
    )
    steps: list[Step] = []
    steps += [MakeBucket(make_bucket)] if make_bucket else []
    zips = [zipped for zipped in (state.packages.full, state.packages.stub) if zipped]
    to_keep = {zipped.uri: zipped for zipped in (state.packages.full, state.baseline.code) if zipped.key not in uploads}
    steps += [KeepCode(name, zipped) for zipped in to_keep.values() if found and found.code_sha256 == zipped.sha256]
    steps += [Upload(uploads[zipped.key], zipped) for zipped in zips if zipped.key in uploads]
    steps += [Describe(inventory), SaveState(state)]
    steps += plan.policies
    steps += [] if found else [Create(name, state.baseline.configuration, state.packages.probed)]
    steps += [PublishVersion(name, note)] if found is None or _is_before(found, state) else []
    steps += [PublishLayer(LAYER_NAME)]
    if found:
        steps += _towards(
            found,
            state.packages.probed,
            armed,
            why,
            state=state,
            code_first=_order(found, state.packages.probed, state),
        )
    else:
        steps += [UpdateConfiguration(name, armed, why, state.baseline.configuration)]
    if plan.alias:
        steps += [PublishVersion(name, f"ldeploy probe of {state.packages.full.label}"), MoveAlias(name, plan.alias)]
    if sending:
        steps += [sending]
    return (*steps, SaveState(state.after(Act.PROBE_DONE)))


def _is_before(found: Function, state: State) -> bool:
    """Whether what is deployed is what was there before ldeploy: only that is worth a version as the way back."""
    return found.code_sha256 == state.baseline.code.sha256 and not is_armed(found.configuration)


def shrink(found: Function, new: Redeployment) -> Steps:
    """Plan the way from what is deployed to the slim package without the probe.

    Raises:
        ValueError: the state names no slim package.
    """
    state, slim = new.state, new.state.packages.slim
    if slim is None:
        raise ValueError("there is no slim package to deploy")
    name, rest = state.function, new.package.rest
    steps: list[Step] = [Upload(new.full, state.packages.full)] if new.full else []
    if found.code_sha256 == state.baseline.code.sha256:
        steps += [KeepCode(name, state.baseline.code)]
    steps += [Upload(new.package.path, slim)]
    steps += [step for layer in new.layers for step in (Upload(layer.path, layer.zip), layer)]
    steps += [PublishLayer(START_LAYER_NAME)] if START_LAYER in new.configuration.layers else []
    steps += [Upload(new.package.rest_path, rest)] if rest else []
    needed = tuple(policy.name for policy in new.policies)
    state = replace(state, policies=tuple(sorted({*state.policies, *needed})))
    steps += [SaveState(state), *new.policies]
    if new.trial and new.trial.on_trial:
        steps += [MakeTrial(name, new.configuration, slim), new.trial, DropTrial(name)]
    steps += _towards(found, slim, new.configuration, "the probe out", state=state, code_first=True)
    steps += [PublishVersion(name, f"ldeploy shrink of {state.packages.full.label}")]
    steps += [new.trial] if new.trial and not new.trial.on_trial else []
    if new.shift:
        shift = replace(new.shift, policies=needed)
        return (*steps, BeginShift(state.bucket, shift), SaveState(state.after(Act.SHIFT)), ShareAlias(name, shift))
    steps += [MoveAlias(name, new.alias)] if new.alias else []
    return (*steps, *detach(state, needed), SaveState(replace(state.after(Act.REDEPLOY_DONE), policies=needed)))


def take_back(found: Function, was: Function, code: StoredZip, state: State) -> Steps:
    """Plan the way back to what was deployed before a new package whose trial failed.

    Args:
        found: the function as the last step of ours left it.
        was: the function as it was then.
        code: the zip that was deployed then.
        state: the state then.
    """
    return (
        *_towards(
            found, code, was.configuration, "as before the trial", state=state, code_first=_order(found, code, state)
        ),
        SaveState(state),
    )


def restore(found: Function, state: State, *, cut_off: bool = False) -> Steps:
    """Plan the way back to the code and configuration before the probe (stage RESTORING in, RESTORED out).

    Args:
        found: the function now.
        state: what was before, and what ldeploy has made.
        cut_off: whether a command was cut off, so that the function for its trial may still be there.
    """
    baseline, order = state.baseline, _order(found, state.baseline.code, state)
    back: Iterable[Step] = _towards(
        found, baseline.code, baseline.configuration, "as before the probe", state=state, code_first=order
    )
    led_to = Routing(baseline.alias_version, baseline.alias_weights)
    moved: list[Step] = [MoveAlias(found.name, baseline.alias, led_to)] if baseline.alias else []
    if baseline.alias and not baseline.alias_version:  # that version is gone
        anew: Steps = (PublishVersion(found.name, f"{BEFORE}, again"), MoveAlias(found.name, baseline.alias))
        back, moved = (*back, *anew), []
    return (
        SaveState(state),
        *moved,  # traffic first
        *back,
        *([DropTrial(found.name)] if cut_off and state.recorded.answers else []),
        *detach(state),
        SaveState(replace(state.after(Act.RESTORE_DONE), policies=())),
    )


def detach(state: State, needed: Iterable[str] = ()) -> Steps:
    """Plan to take away the policies of ours that are not needed."""
    gone = sorted(set(state.policies).difference(needed))
    return tuple(DetachPolicy(state.probe.configuration.role, name) for name in gone)


def _order(found: Function, code: StoredZip, state: State) -> bool | None:
    """Whether the code comes first: where a stub goes; not where one comes. Without the probe a stub cannot start."""
    if state.packages.stub is None:
        return None
    return False if code == state.packages.stub else True if found.code_sha256 == state.packages.stub.sha256 else None


def _towards(
    found: Function,
    code: StoredZip,
    wanted: Configuration,
    why: str,
    *,
    state: State,
    code_first: bool | None = None,
) -> Iterator[Step]:
    """Code and configuration, those that differ, in the order that keeps their sum under the limit.

    Layers that are gained come last and layers that are lost go first, unless something else decides.
    """
    steps: list[Step] = []
    if found.configuration != wanted:
        steps.append(UpdateConfiguration(found.name, wanted, why, found.configuration))
    if not code.sha256 or found.code_sha256 != code.sha256:
        steps.append(UpdateCode(found.name, code, deployed(found, state), found.code_size))
    gains_layers = not set(wanted.layers) <= set(found.configuration.layers)
    return reversed(steps) if (gains_layers if code_first is None else code_first) else iter(steps)
