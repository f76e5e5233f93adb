"""What a plan is made of: frozen steps, each of which can be carried out again, and printed (``--plan``)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deployer.deploy.shift_steps import BeginShift, ShareAlias
from deployer.instrumentation.configure import to_be_published
from deployer.models.function import Configuration, Routing, StoredZip
from deployer.state.state import State
from deployer.whitelist import Inventory
from deployer.words import counted


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
class SaveState:
    """The state, written on this machine and in S3."""

    state: State

    def __str__(self) -> str:
        return f"write down how things stand ({self.state.stage})"


@dataclass(frozen=True)
class Describe:
    """What the full package holds: its evidence is used for later builds as far as their files are the same."""

    inventory: Inventory = field(repr=False)

    def __str__(self) -> str:
        return f"write down what the package {self.inventory.package} holds"


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
    """A layer of ours, if this very one is not published yet."""

    name: str

    def __str__(self) -> str:
        return f"publish the layer {self.name}, if it is not there"


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
        return to_be_published(self.name)

    def __str__(self) -> str:
        return f"publish the layer {self.name}: {self.zip.files:,} files of {self.original}, if it is not there"


@dataclass(frozen=True)
class UpdateCode:
    """Another zip for ``$LATEST``."""

    function: str
    zip: StoredZip
    instead_of: StoredZip | None = None
    """What is deployed before, where S3 has it: it is put back where Lambda gets other bytes than the zip's."""
    was_bytes: int = field(default=0, compare=False)
    """Of the zip that is deployed before, where that is known."""

    def __str__(self) -> str:
        return f"update the code of {self.function} from {self.zip}"


@dataclass(frozen=True)
class UpdateConfiguration:
    """Another configuration for ``$LATEST``; placeholders stand for the ARNs of layers just published."""

    function: str
    configuration: Configuration
    why: str
    was: Configuration | None = field(default=None, compare=False, repr=False)
    """The one before, where that is known."""

    def __str__(self) -> str:
        return f"update the configuration of {self.function}: {self.why}"


@dataclass(frozen=True)
class Invoke:
    """Each event of a folder once; the answers' digests are kept."""

    function: str
    events: Path
    rounds: int = 0
    """So often, each time to a fresh sandbox; 0 takes those that there are."""

    def __str__(self) -> str:
        fresh = f", in each of {counted(self.rounds, 'fresh sandbox', 'fresh sandboxes')}" if self.rounds else ""
        return f"invoke {self.function} with each event of {self.events}{fresh}"


@dataclass(frozen=True)
class MakeTrial:
    """A function like the real one, with the new package, that no traffic sees."""

    function: str
    """The real one."""
    configuration: Configuration
    zip: StoredZip

    def __str__(self) -> str:
        return f"make a function like {self.function} from {self.zip}, for the trial alone"


@dataclass(frozen=True)
class DropTrial:
    """It goes when the trial is over."""

    function: str

    def __str__(self) -> str:
        return f"delete the function that was made for a trial of {self.function}, if it is there"


@dataclass(frozen=True)
class MoveAlias:
    """The alias through which traffic comes leads elsewhere."""

    function: str
    alias: str
    to: Routing | None = None
    """None for the version that was published last."""

    def __str__(self) -> str:
        return f"move the alias {self.alias} of {self.function} to {self.to or 'the new version'}"


@dataclass(frozen=True)
class Try:
    """Each recorded event again, on the version just published: it must not fail where it did not before."""

    function: str
    state: State
    same_code: bool
    """Then the answers must be the recorded ones too; new code may mean others."""
    on_trial: bool = False
    """Whether a function was made for it; else the version is tried that was published last."""
    ignore: tuple[str, ...] = ()
    """JSON paths of what may differ in an answer."""
    max_slower: float | None = None
    """So many times the full package's time may the new one take."""

    def __str__(self) -> str:
        if self.on_trial:
            return f"try it with the {len(self.state.recorded.answers)} recorded events"
        return f"try the new version of {self.function} with the {len(self.state.recorded.answers)} recorded events"


@dataclass(frozen=True)
class AttachPolicy:
    """The permission to read one object, for the function's role (``--attach-policy``)."""

    role: str
    """ARN."""
    name: str
    document: str = field(repr=False)
    """The policy, as JSON."""

    def __str__(self) -> str:
        return f"attach the policy {self.name} to {self.role}"


@dataclass(frozen=True)
class DetachPolicy:
    """Takes that away again, where it is there."""

    role: str
    name: str

    def __str__(self) -> str:
        return f"take the policy {self.name} away from {self.role}"


@dataclass(frozen=True)
class Delete:
    """Something that ldeploy made and nobody needs: a version, a layer version, or an object."""

    kind: Literal["version", "layer version", "object"]
    what: str
    """The version's number, the layer version's ARN, the object's key."""
    where: str
    """The function, or the bucket."""
    why: str

    def __str__(self) -> str:
        place = {"version": f" of {self.where}", "object": f" in s3://{self.where}"}.get(self.kind, "")
        return f"delete the {self.kind} {self.what}{place} ({self.why})"


Step = (
    Delete
    | MakeBucket
    | Upload
    | KeepCode
    | AttachPolicy
    | DetachPolicy
    | SaveState
    | Describe
    | Create
    | PublishVersion
    | PublishLayer
    | PublishPruned
    | UpdateCode
    | UpdateConfiguration
    | Invoke
    | Try
    | MakeTrial
    | DropTrial
    | MoveAlias
    | BeginShift
    | ShareAlias
)
Steps = tuple[Step, ...]
