"""Whether what a plan was made of is still so when it is carried out."""

from deployer.context import Context
from deployer.errors import ConflictError, WorkspaceError
from deployer.models.function import Function
from deployer.state.state import State


def check_unchanged(context: Context, states: list[State], found: Function | None) -> None:
    """Check that nobody changed the function, or its state, since a plan was made.

    Args:
        context: the surroundings.
        states: those that the plan writes.
        found: the function of which the plan was made; None where it is to be created.

    Raises:
        ConflictError: somebody did.
    """
    try:
        known = context.workspace.state()
    except WorkspaceError:  # lost: there is no newer one
        known = None
    now = context.aws.functions.find(found.name) if found else None
    changed = states and known and known.serial > states[0].serial
    if changed or (found and (now is None or now.revision != found.revision)):
        raise ConflictError(
            f"{context.workspace.function} was changed while this was planned.", "Run the same command again."
        )
