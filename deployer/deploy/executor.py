"""Carry a plan out step by step, if the user agrees."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deployer.context import Context
from deployer.deploy import planner
from deployer.deploy.effect import activities, changes
from deployer.deploy.execution import Execution
from deployer.deploy.planner import Step, Steps
from deployer.deploy.unchanged import check_unchanged
from deployer.models.function import Function
from deployer.state.lease import leased


def _nothing(_: Step) -> None:
    pass


def _as_given(_: str, given: bool) -> bool:
    return given


@dataclass(frozen=True)
class Executor:
    """Whether plans are carried out, and who hears of each step."""

    agreed: Callable[[Steps], bool]
    """Return whether the user wants these steps; never with ``--plan``."""
    after: Callable[[Step], Any] = _nothing
    """Called when a step is done."""
    sure: Callable[[str, bool], bool] = _as_given
    """Return whether the user wants what a sentence says; the second argument is whether an option says so already."""
    lease: bool = True
    """Whether the function's lease is taken; not where the caller holds it."""

    def carry_out(self, context: Context, steps: Steps, found: Function | None) -> Execution | None:
        """Carry the plan out if the user agrees; return None where only the plan was wanted.

        Raises:
            LdeployError: as ``execute`` and ``alone``.
        """
        if not self.agreed(steps):
            return None
        with self.alone(context, steps, found):
            return self.execute(Execution(context, found), steps)

    @contextmanager
    def alone(self, context: Context, steps: Steps, found: Function | None) -> Iterator[None]:
        """Hold the function's lease for the length of the block; what the plan was made of is still so then.

        Raises:
            BusyError: another command works on the function.
            ConflictError: the function, or its state, was changed since the plan was made.
        """
        states = [step.state for step in steps if isinstance(step, planner.SaveState)]
        storage, bucket = context.aws.storage, context.workspace.bucket or (states[0].bucket if states else "")
        name = context.workspace.function
        if not (self.lease and bucket and context.aws.buckets.has(bucket)):  # one that is made first holds no lease yet
            yield
            return
        with leased(storage, bucket, name):
            check_unchanged(context, states, found)
            yield

    def execute(self, execution: Execution, steps: Steps) -> Execution:
        """Carry the plan out without asking.

        Raises:
            LdeployError: a step failed; the steps before it stay done, and the same command may be run again.
        """
        notices, told = execution.context.notices, set[str]()
        for step in steps:
            notices.step(f"{step}")
            for text in activities(step):
                notices.say(text)
            done = execution.do(step)
            for line in changes(execution.known(step)) if done else ():
                if line not in told:
                    notices.change(line)
                told.add(line)
            self.after(step)
        return execution
