"""The stages of a function's state: one table of what leads from which to which, with the rule beside each."""

from enum import StrEnum
from typing import Final, NamedTuple

from deployer.errors import WorkspaceError


class Stage(StrEnum):
    """How far ldeploy has come with a function; the -ing stages are those that a run leaves which was cut off."""

    PROBING = "probing"
    PROBED = "probed"
    SHRINKING = "shrinking"
    SHIFTING = "shifting"
    SHRUNK = "shrunk"
    RESTORING = "restoring"
    RESTORED = "restored"


class Act(StrEnum):
    """What moves a function from one stage to another."""

    PROBE = "probe"
    PROBE_DONE = "probe done"
    SHRINK = "shrink"
    DEPLOY = "deploy"
    SHIFT = "shift"
    REDEPLOY_DONE = "redeploy done"
    RESTORE = "restore"
    RESTORE_DONE = "restore done"


class Transition(NamedTuple):
    """One row of the table."""

    act: Act
    before: frozenset[Stage]
    after: Stage


_ANY: Final = frozenset(Stage)
_WITH_EVIDENCE: Final = frozenset({Stage.PROBED, Stage.SHRINKING, Stage.SHRUNK})

TRANSITIONS: Final = (
    # A probe begins anywhere: what was there before is told from the code that is deployed, not from the stage.
    Transition(Act.PROBE, _ANY, Stage.PROBING),
    Transition(Act.PROBE_DONE, frozenset({Stage.PROBING}), Stage.PROBED),
    # Evidence is of a package whose probe was in; a shrink that was cut off, or is done, may be done again.
    Transition(Act.SHRINK, _WITH_EVIDENCE, Stage.SHRINKING),
    # A fresh build is slimmed by a whitelist and needs no evidence of its own.
    Transition(Act.DEPLOY, _ANY, Stage.SHRINKING),
    # A part of the traffic first: the next run of any command that changes something ends what was cut off.
    Transition(Act.SHIFT, frozenset({Stage.SHRINKING, Stage.SHIFTING}), Stage.SHIFTING),
    Transition(Act.REDEPLOY_DONE, frozenset({Stage.SHRINKING, Stage.SHIFTING}), Stage.SHRUNK),
    # The way back is open from everywhere; twice leads to the same.
    Transition(Act.RESTORE, _ANY, Stage.RESTORING),
    Transition(Act.RESTORE_DONE, frozenset({Stage.RESTORING}), Stage.RESTORED),
)

OURS: Final = frozenset(Stage) - {Stage.RESTORED}
"""Stages in which the function may carry ldeploy's own changes: what was there before stays what it was."""


def allowed(stage: Stage, act: Act) -> bool:
    """Return whether the act may happen at this stage."""
    return any(row.act is act and stage in row.before for row in TRANSITIONS)


def next_stage(stage: Stage, act: Act) -> Stage:
    """Return the stage that the act leads to.

    Raises:
        WorkspaceError: the act may not happen at this stage.
    """
    for row in TRANSITIONS:
        if row.act is act and stage in row.before:
            return row.after
    raise WorkspaceError(f"The function is {stage}: {act} cannot follow.", "Run ldeploy status to see where it stands.")
