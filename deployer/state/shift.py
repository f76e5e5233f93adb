"""A shift of traffic under way: what the next run needs to end it, from any machine."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from deployer.models.function import Configuration, Routing, StoredZip
from deployer.state.document import FORM as STATE
from deployer.state.document import configuration_of, from_document, to_document
from deployer.state.state import State
from deployer.versioned import Form

SHIFT: Final = "shift.json"
"""In the function's folder of the bucket, and nowhere else: it holds values of the environment."""
FORM: Final = Form(
    "The record of the shift",
    1,
    "End it with ldeploy restore, which leads the alias to what it led to before ldeploy.",
    key="form",
)


@dataclass(frozen=True)
class Canary:
    """How traffic is shifted to a new version."""

    share: float
    """Of the traffic, for the new version, from 0 to 1."""
    duration: int
    """Milliseconds."""
    too_few: Literal["back", "finish"] = "back"
    """What is done where there was too little traffic to tell."""
    wait: bool = True
    """Whether this run stays until the end; else the next one takes the shift up."""


@dataclass(frozen=True)
class Shift:
    """A shift under way."""

    alias: str
    old: Routing
    """Where the alias led before."""
    version: str
    """The new version; empty until it is published."""
    canary: Canary
    began: int
    """Milliseconds since 1970."""
    earlier: State = field(repr=False)
    """The function's state before: going back leads to it."""
    configuration: Configuration = field(repr=False)
    """That of ``$LATEST`` before."""
    code: StoredZip
    """That of ``$LATEST`` before."""
    policies: tuple[str, ...] = ()
    """Names of the policies of ours that the new version needs."""

    @property
    def until(self) -> int:
        """When it ends, in milliseconds since 1970."""
        return self.began + self.canary.duration

    @property
    def routing(self) -> Routing:
        """Where the alias leads meanwhile."""
        return Routing(self.old.version, {self.version: self.canary.share})

    def begun(self, version: str, now: int) -> "Shift":
        """Return the shift as it begins: with its version."""
        return replace(self, version=version, began=now)


def to_text(shift: Shift) -> str:
    """Return a shift as JSON."""
    fields = {name: value for name, value in asdict(shift).items() if name != "earlier"}
    return FORM.write({**fields, "earlier": {**to_document(shift.earlier), STATE.key: STATE.version}})


def from_text(text: str) -> Shift:
    """Return the shift that ``to_text`` wrote.

    Raises:
        WorkspaceError: it is broken, or of a version that this ldeploy does not know.
    """
    return FORM.read(text, _shift)


def _shift(fields: dict[str, Any]) -> Shift:
    return Shift(
        fields["alias"],
        Routing(**fields["old"]),
        fields["version"],
        Canary(**fields["canary"]),
        fields["began"],
        from_document(fields["earlier"]),
        configuration_of(fields["configuration"]),
        StoredZip(**fields["code"]),
        tuple(fields["policies"]),
    )
