"""``ldeploy shift``: a shift of traffic under way."""

from typing import TYPE_CHECKING

import click

from deployer.commands.groups import ShownCommand
from deployer.commands.options import Common, changing, common

if TYPE_CHECKING:
    from deployer.report.shift_report import ShiftReport


@click.group()
def shift() -> None:
    """Look at a shift of traffic to a new version that is under way, or end it."""


@shift.command(cls=ShownCommand)
@common
def status(shared: Common) -> "ShiftReport":
    """Show how the shift of FUNCTION is going.

    \b
    Example:
      ldeploy shift status my-function
    """
    from deployer.flow import shift as shifts

    return shifts.status(shared.context(), shared.function)


def _end(shared: Common, *, forward: bool) -> "ShiftReport":
    from deployer.flow import shift as shifts

    context = shared.context(alone=False)  # a run that watches may be at work here: the lease keeps them apart
    return shifts.end(context, shared.executor(), shared.function, forward=forward, over_others=shared.force)


@shift.command(cls=ShownCommand)
@common
@changing
def finish(shared: Common) -> "ShiftReport":
    """Send all traffic to the new version now.

    \b
    Example:
      ldeploy shift finish my-function
    """
    return _end(shared, forward=True)


@shift.command(cls=ShownCommand)
@common
@changing
def back(shared: Common) -> "ShiftReport":
    """Send all traffic to the old version again.

    $LATEST goes back to what it was, too.

    \b
    Example:
      ldeploy shift back my-function
    """
    return _end(shared, forward=False)
