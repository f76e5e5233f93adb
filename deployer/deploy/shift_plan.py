"""How a shift of traffic ends: all of it goes to the new version, or everything is as it was before."""

from dataclasses import replace

from deployer.deploy.planner import MoveAlias, SaveState, Steps, detach, take_back
from deployer.models.function import Configuration, Function, Routing
from deployer.state.shift import Shift
from deployer.state.stages import Act
from deployer.state.state import State


def go_on(found: Function, state: State, shift: Shift) -> Steps:
    """Plan the end of a shift that goes well."""
    done = replace(state.after(Act.REDEPLOY_DONE), policies=shift.policies)
    moved = MoveAlias(found.name, shift.alias, Routing(shift.version))
    return (moved, *detach(state, shift.policies), SaveState(done))


def go_back(found: Function, state: State, shift: Shift, wanted: Configuration | None) -> Steps:
    """Plan the way back from a shift: traffic first, then ``$LATEST``, then the state before.

    Args:
        found: the function.
        state: that it is in (stage SHIFTING).
        shift: what was before.
        wanted: the configuration before, with what others changed since; None where ``$LATEST`` has somebody else's
            code, which stays.
    """
    earlier = replace(shift.earlier, serial=state.serial)
    moved, gone = MoveAlias(found.name, shift.alias, shift.old), detach(state, earlier.policies)
    if wanted is None:
        return (moved, *gone, SaveState(earlier))
    return (moved, *gone, *take_back(found, replace(found, configuration=wanted), shift.code, earlier))
