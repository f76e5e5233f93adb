"""Options on how a package is made slim: evidence, rules, steps, guard."""

from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from deployer.commands.options import Command, option
from deployer.commands.parameters import share
from deployer.models.settings import Guarding, Settings
from deployer.sources import SOURCES


def exporting(command: Command) -> Command:
    """Add ``--export``."""
    how = "Write a whitelist for the repository, sorted for small diffs; ldeploy apply uses it."
    return option("--export", type=click.Path(dir_okay=False, path_type=Path), help=how)(command)


def via(command: Command) -> Command:
    """Add ``--via``."""
    how = "Read the log's events, or let CloudWatch Logs Insights aggregate them."
    return option("--via", type=click.Choice(list(SOURCES)), default=next(iter(SOURCES)), show_default=True, help=how)(
        command
    )


def rules(command: Command) -> Command:
    """Add ``--keep`` and ``--drop``."""
    drop = "Drop what matches and is not kept by --keep; repeatable."
    command = option("--drop", multiple=True, metavar="GLOB", help=drop)(command)
    return option("--keep", multiple=True, metavar="GLOB", help="Keep what matches, as in .gitignore; repeatable.")(
        command
    )


def rarely(command: Command) -> Command:
    """Add ``--rare``."""
    how = "Drop what a smaller share of sandboxes touched, such as 1%, where the guard can bring it back."
    return option("--rare", type=share, help=how)(command)


def steps(command: Command) -> Command:
    """Add the options of the steps that follow the whitelist, given as ``settings``."""

    @option("--trim/--no-trim", default=True, help="Remove what is never loaded from libraries [default: on].")
    @option("--bytecode/--no-bytecode", default=True, help="Add bytecode for kept sources [default: on].")
    @option("--source/--no-source", default=True, help="Keep sources that have bytecode [default: on].")
    @option("--empty/--no-empty", default=False, help="Empty files that a scan only looked at [when over the limit].")
    @option("--fit/--no-fit", default=True, help="Pack what is over the limit, to be unpacked at start [default: on].")
    @option("--best", is_flag=True, help="Compress everything again, as small as possible: slow.")
    @wraps(command)
    def with_steps(  # noqa: PLR0913
        shared: Any, *, trim: bool, bytecode: bool, source: bool, empty: bool, fit: bool, best: bool, **others: Any
    ) -> Any:
        return command(shared, **others, settings=Settings(trim, bytecode, source, best, empty, fit))

    return with_steps


def guarding(command: Command) -> Command:
    """``--guard``, in the settings."""
    how = "Where dropped files come back from when they are asked for: the package, the full one in S3, or nowhere."
    choice = click.Choice([str(each) for each in Guarding])

    @option("--guard", type=choice, default=str(Guarding.AUTO), show_default=True, help=how)
    @wraps(command)
    def with_guard(shared: Any, *, guard: str, settings: Settings, **others: Any) -> Any:
        return command(shared, **others, settings=replace(settings, guard=Guarding(guard)))

    return with_guard
