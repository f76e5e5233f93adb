"""State found + state wanted -> frozen steps, each safe to carry out again.

A run that was cut off after any step is mended by planning anew from what is found then: a step that has been
done is left out, or does nothing. What was there before is written down before the first step that changes the
function; code is made smaller before layers come, and layers go before code is made bigger, so that code and
layers together stay under the limit at each update (serverless #8313).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployer.arm import PROBE_LAYER, arm
from deployer.function import Configuration, Function, Stage, State, StoredZip
from deployer.whitelist import Contents


@dataclass(frozen=True)
class MakeBucket:
    """A private bucket of our own (``--resolve-s3``)."""

    bucket: str

    def __str__(self) -> str:
        return f"make the private bucket {self.bucket}"


@dataclass(frozen=True)
class Upload:
    """A zip from this machine, under its hash, if it is not there."""

    path: Path
    zip: StoredZip

    def __str__(self) -> str:
        return f"upload {self.zip.zip_bytes:,} bytes to {self.zip}, if it is not there"


@dataclass(frozen=True)
class KeepCode:
    """The code that is deployed now, copied to S3, so that restore can put it back."""

    function: str
    zip: StoredZip

    def __str__(self) -> str:
        return f"copy the present code of {self.function} to {self.zip}, if it is not there"


@dataclass(frozen=True)
class Remember:
    """The state, written on this machine and in S3."""

    state: State

    def __str__(self) -> str:
        return f"write down how things stand ({self.state.stage})"


@dataclass(frozen=True)
class Describe:
    """What the full package holds: its evidence is used for later builds as far as their files are the same."""

    contents: Contents = field(repr=False)

    def __str__(self) -> str:
        return f"write down what the package {self.contents.package} holds"


@dataclass(frozen=True)
class Create:
    """A function that is not there yet."""

    function: str
    configuration: Configuration
    zip: StoredZip

    def __str__(self) -> str:
        return f"create the function {self.function} from {self.zip}"


@dataclass(frozen=True)
class PublishVersion:
    """What is deployed, as a version that stays."""

    function: str
    note: str

    def __str__(self) -> str:
        return f"publish a version of {self.function}: {self.note}"


@dataclass(frozen=True)
class PublishLayer:
    """The probe layer, if this very one is not published yet."""

    def __str__(self) -> str:
        return "publish the probe layer, if it is not there"


@dataclass(frozen=True)
class PublishPruned:
    """A layer without what no sandbox touches, from S3, if this very one is not published yet."""

    original: str
    """ARN of the layer that it was made of."""
    name: str
    path: Path
    """Its zip on this machine."""
    zip: StoredZip

    @property
    def placeholder(self) -> str:
        """Stands for its ARN until it is published."""
        return f"{self.name}:to-be-published"

    def __str__(self) -> str:
        return f"publish the layer {self.name}: {self.zip.files:,} files of {self.original}, if it is not there"


@dataclass(frozen=True)
class UpdateCode:
    """Another zip for ``$LATEST``."""

    function: str
    zip: StoredZip

    def __str__(self) -> str:
        return f"update the code of {self.function} from {self.zip}"


@dataclass(frozen=True)
class UpdateConfiguration:
    """Another configuration for ``$LATEST``; placeholders stand for the ARNs of layers just published."""

    function: str
    configuration: Configuration
    why: str

    def __str__(self) -> str:
        return f"update the configuration of {self.function}: {self.why}"


@dataclass(frozen=True)
class Invoke:
    """Each event of a folder once; the answers' digests are kept."""

    function: str
    events: Path

    def __str__(self) -> str:
        return f"invoke {self.function} with each event of {self.events}"


@dataclass(frozen=True)
class Try:
    """Each recorded event again, on the version just published: it must not fail where it did not before."""

    function: str
    state: State
    same_code: bool
    """Then the answers must be the recorded ones too; new code may mean others."""

    def __str__(self) -> str:
        return f"try the new version of {self.function} with the {len(self.state.answers)} recorded events"


Step = (
    MakeBucket
    | Upload
    | KeepCode
    | Remember
    | Describe
    | Create
    | PublishVersion
    | PublishLayer
    | PublishPruned
    | UpdateCode
    | UpdateConfiguration
    | Invoke
    | Try
)
Steps = tuple[Step, ...]


def probe(
    found: Function | None,
    state: State,
    contents: Contents,
    upload: Path | None,
    make_bucket: str | None,
    events: Path | None,
) -> Steps:
    """From what is found to the full package with the probe in.

    Args:
        found: the function, or None where it is to be created first.
        state: what is wanted and what was before (stage PROBING).
        contents: of the full package.
        upload: the full package's zip on this machine, if it comes from here.
        make_bucket: a bucket to make first.
        events: a folder of events to send at the end.
    """
    name, note = state.function, f"before ldeploy probe of {state.full.label}"
    armed = arm(state.probed, PROBE_LAYER, state.full.label, state.sample)
    why = "the probe in" if state.sample == 1 else f"the probe in, a share of {state.sample:g} of the sandboxes reports"
    steps: list[Step] = []
    steps += [MakeBucket(make_bucket)] if make_bucket else []
    to_keep = {zipped.uri: zipped for zipped in ([] if upload else [state.full]) + [state.before_code]}
    steps += [KeepCode(name, zipped) for zipped in to_keep.values() if found and found.code_sha256 == zipped.sha256]
    steps += [Upload(upload, state.full)] if upload else []
    steps += [Describe(contents), Remember(state)]
    steps += [] if found else [Create(name, state.before, state.full)]
    steps += [PublishVersion(name, note), PublishLayer()]
    if found:
        steps += _towards(found, state.full, armed, why)
    else:
        steps += [UpdateConfiguration(name, armed, why)]
    if events:
        steps += [Invoke(name, events)]
    return (*steps, Remember(replace(state, stage=Stage.PROBED)))


def shrink(
    found: Function,
    state: State,
    wanted: Configuration,
    slim: Path,
    full: Path | None,
    layers: Sequence[PublishPruned],
    trial: Try | None,
) -> Steps:
    """From what is deployed to the slim package without the probe.

    Args:
        found: the function.
        state: with the slim package (stage SHRINKING).
        wanted: the configuration without the probe.
        slim: the slim zip on this machine.
        full: the full package's zip on this machine, if it is not in S3 yet.
        layers: those that come in the place of layers of the function's own.
        trial: with the recorded events, where they can be sent again.
    """
    if state.slim is None:
        raise ValueError("there is no slim package to deploy")
    name = state.function
    steps: list[Step] = [Upload(full, state.full)] if full else []
    if found.code_sha256 == state.before_code.sha256:
        steps += [KeepCode(name, state.before_code)]
    steps += [Upload(slim, state.slim)]
    steps += [step for layer in layers for step in (Upload(layer.path, layer.zip), layer)]
    steps += [Remember(state)]
    steps += _towards(found, state.slim, wanted, "the probe out", code_first=True)
    steps += [PublishVersion(name, f"ldeploy shrink of {state.full.label}")]
    steps += [trial] if trial else []
    return (*steps, Remember(replace(state, stage=Stage.SHRUNK)))


def take_back(found: Function, was: Function, code: StoredZip, state: State) -> Steps:
    """Back to what was deployed before a new package whose trial failed.

    Args:
        found: the function now.
        was: the function as it was then.
        code: the zip that was deployed then.
        state: the state then.
    """
    return (*_towards(found, code, was.configuration, "as before the trial"), Remember(state))


def restore(found: Function, state: State) -> Steps:
    """Back to the code and the configuration before the probe (stage RESTORING in, RESTORED out)."""
    back = _towards(found, state.before_code, state.before, "as before the probe")
    return (Remember(state), *back, Remember(replace(state, stage=Stage.RESTORED)))


def _towards(
    found: Function, code: StoredZip, wanted: Configuration, why: str, *, code_first: bool = False
) -> Iterator[Step]:
    """Code and configuration, those that differ, in the order that keeps their sum under the limit.

    Layers that are gained come last and layers that are lost go first, unless the code is known to get smaller.
    """
    steps: list[Step] = []
    if found.configuration != wanted:
        steps.append(UpdateConfiguration(found.name, wanted, why))
    if not code.sha256 or found.code_sha256 != code.sha256:
        steps.append(UpdateCode(found.name, code))
    gains_layers = not set(wanted.layers) <= set(found.configuration.layers)
    return reversed(steps) if gains_layers or code_first else iter(steps)
