"""Options that several commands share."""

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.commands.bucket import own_bucket
from deployer.commands.output import Output
from deployer.commands.terminal import Terminal
from deployer.errors import ExitCode, LdeployError, UsageError
from deployer.models.function import Named, named
from deployer.report.formats import FORMATS

if TYPE_CHECKING:
    from deployer.commands.stack import SelectedFunctions
    from deployer.context import Context
    from deployer.deploy.executor import Executor
    from deployer.deploy.planner import Step, Steps
    from deployer.report.models import Report

FOLDER = ".ldeploy"
"""The folder of workspaces, in the folder from which ldeploy runs."""

Command = Callable[..., Any]

_OF_ONE = {
    "package": "--package",
    "create": "--create",
    "events": "--invoke",
    "whitelist": "--whitelist",
    "html": "--html",
}
"""Parameters of commands that make sense for one function at a time."""
_LAST = 6
"""So many effects are told of a run that was interrupted."""
_SHARED = ("region", "profile", "endpoint_url", "bucket", "bucket_owner", "resolve_s3")


@dataclass(frozen=True)
class Common(Output):
    """The options that every command on a function has."""

    function: str
    account: str
    """Empty where the user named none."""
    region: str | None
    profile: str | None
    endpoint_url: str | None
    bucket: str | None
    bucket_owner: str
    """The account of all buckets; empty for our own."""
    resolve_s3: bool
    changes: bool
    """Whether the command is one that changes something."""
    plan: bool
    yes: bool
    force: bool
    """Whether to replace a deployment of somebody else."""
    together: frozenset[str]
    """The functions of the call."""
    done: "list[Step]" = field(default_factory=list, compare=False, repr=False)
    """The steps that were carried out so far."""

    @property
    def folder(self) -> Path:
        """What is left here of the function."""
        return Path(FOLDER) / self.function

    def context(self, *, alone: bool = True) -> "Context":
        """Return the surroundings that the options describe.

        Args:
            alone: whether no other command of this folder may work on the function meanwhile.
        """
        from deployer.aws import open_aws
        from deployer.context import Context
        from deployer.state.workspace import Workspace

        aws = open_aws(self.region, self.profile, self.endpoint_url, self.bucket_owner)
        if self.account and self.account != aws.account():
            raise UsageError(
                f"{self.function} is in the account {self.account}, which is not the one you are using.",
                "Give --profile.",
            )
        bucket = self.bucket or (own_bucket(aws) if self.resolve_s3 else None)
        workspace = Workspace(self.function, self.folder, aws.storage, bucket, here_only=self.plan)
        if bucket is None:
            workspace = replace(workspace, bucket=workspace.known_bucket())
        if self.changes and alone:
            click.get_current_context().with_resource(workspace.lock())
        return Context(aws, workspace, self.notices, lambda: time.time_ns() // 1_000_000)

    def executor(self) -> "Executor":
        """Return what carries plans out, once the user agrees."""
        from deployer.deploy.executor import Executor

        return Executor(self.agreed, sure=self.sure, after=self.done.append)

    def sure(self, sentence: str, given: bool) -> bool:
        """Return whether the user wants what a sentence says; a plan is shown either way."""
        if given or self.plan:
            return True
        return not self.yes and click.confirm(f"{sentence} Do you want that?", err=True)

    def confirmed(self, what: str) -> bool:
        """Return whether to do something; where nobody can be asked, only with ``--yes``."""
        if self.yes:
            return True
        _check_somebody_can_be_asked()
        click.echo(f"  {what}", err=True)
        return click.confirm("Do this?", err=True)

    def agreed(self, steps: "Steps") -> bool:
        """Return whether to carry the plan out: ``--plan`` is no, ``--yes`` is yes, else the user answers."""
        if self.plan:
            return False
        if self.yes:
            return True
        from deployer.deploy.effect import effects

        for line in effects(steps):
            click.echo(f"  {line}", err=True)
        return click.confirm("Do this?", err=True)


def option(name: str, *more: str, **settings: Any) -> Callable[[Command], Command]:
    """Return an option that can be set as ``LDEPLOY_<NAME>`` too."""
    variable = "LDEPLOY_" + name.partition("/")[0].removeprefix("--").replace("-", "_").upper()
    return click.option(name, *more, envvar=variable, **settings)


def answering(command: Command) -> Command:
    """Show what the command returns, as ``--output`` says."""

    @option("--output", type=click.Choice(tuple(FORMATS)), default=next(iter(FORMATS)), show_default=True)
    @option("--verbose", is_flag=True, help="Show each step too, and where an error came from.")
    @option("--quiet", is_flag=True, help="Show only warnings while working.")
    @wraps(command)
    def with_output(*, output: str, verbose: bool, quiet: bool, **others: Any) -> None:
        shown = Output(output, Terminal(quiet=quiet and not verbose, verbose=verbose), verbose)
        try:
            shown.answer(command(shown, **others))
        except Exception:
            if verbose:
                traceback.print_exc()
            raise

    return with_output


def common(command: Command, *, required: bool = True) -> Command:
    """Add FUNCTION or the functions of a stack, and where and how to work on them."""

    @click.argument("function", required=False, default="")
    @option("--stack-name", help="A stack, instead of FUNCTION [default with --logical-id: samconfig.toml's].")
    @option("--logical-id", multiple=True, help="A function of the stack; repeatable [default: all of them].")
    @option("--region", help="AWS region.")
    @option("--profile", help="AWS profile.")
    @option("--endpoint-url", help="An endpoint other than AWS, such as that of `ldeploy local start`.")
    @option("--bucket", help="Bucket for packages and state.")
    @option("--bucket-owner", default="", help="The account that every bucket must belong to [default: our own].")
    @option("--resolve-s3", is_flag=True, help="Create and use a private bucket of ldeploy's own.")
    @answering
    @wraps(command)
    def with_common(  # noqa: PLR0913
        shown: Output,
        *,
        function: str,
        stack_name: str | None,
        logical_id: tuple[str, ...],
        plan: bool | None = None,
        yes: bool = False,
        force: bool = False,
        **others: Any,
    ) -> "list[Report]":
        shared = {name: others.pop(name) for name in _SHARED}
        asked: dict[str, Any] = {"changes": plan is not None, "plan": bool(plan), "yes": yes, "force": force}
        asked["together"] = frozenset()
        if (stack_name or logical_id) and others.get("asked", "") is None:  # the one argument is no function then
            function, others["asked"] = "", function
        if plan is False and not yes:
            _check_somebody_can_be_asked()
        if not (stack_name or logical_id):
            if required and not function:
                raise UsageError("No function is named.", "Name FUNCTION, or its stack with --stack-name.")
            return [_run(partial(command, **others), _of(shown, function, shared, asked))]
        if function:
            raise UsageError("A function and a stack are named.", "Give FUNCTION, or --stack-name and --logical-id.")
        from deployer.commands.stack import in_stack

        selected = in_stack(stack_name, logical_id, shared, changes=plan is not None)
        _check_each(selected, others)
        doing = click.get_current_context().info_name or ""
        one, asked["together"] = partial(command, **others), frozenset(selected.functions)
        return [
            _told(one, _of(shown, name, {**shared, **selected.where}, asked), selected, doing)
            for name in selected.functions
        ]

    return with_common


def _check_each(selected: "SelectedFunctions", others: dict[str, Any]) -> None:
    """Check that what belongs to one function is not given for several.

    Raises:
        UsageError: it was given.
    """
    given = [option for name, option in _OF_ONE.items() if others.get(name)]
    if given and len(selected.functions) > 1:
        raise UsageError(
            f"{given[0]} is for one function, and {', '.join(selected.functions)} are selected.", "Give --logical-id."
        )


def _run(command: Command, asked: Common) -> "Report":
    """Run a command on one function; where it is interrupted, say what stands, how to go on, and how to undo it."""
    try:
        report: Report = command(asked)
    except KeyboardInterrupt as error:
        if not asked.done:
            raise
        from deployer.deploy.effect import effects

        done = [line.removeprefix("· ") for line in effects(asked.done)]
        stands = "; ".join(done[-_LAST:]) or "nothing of the function"
        advice = (
            f"To go on, run the same command again. To undo it: ldeploy restore {asked.function}. Where it stands: "
            f"ldeploy status {asked.function}."
        )
        raise LdeployError(f"Interrupted. Done so far: {stands}.", advice, ExitCode.INTERRUPTED) from error
    return report


def _told(command: Command, asked: Common, selected: "SelectedFunctions", doing: str) -> "Report":
    """Run a command on one function of a stack; a failure of one of several does not stop the others."""
    try:
        report: Report = _run(command, asked)
    except LdeployError as error:
        if len(selected.functions) == 1:
            raise
        from deployer.report.models import FailedReport

        return FailedReport(asked.function, str(error), error.exit_code)
    from deployer.commands.stack import drift

    return replace(report, warnings=(*report.warnings, *drift(doing, asked.function, selected.stack)))


def _of(shown: Output, function: str, shared: dict[str, Any], asked: dict[str, Any]) -> Common:
    """Return what a command on one function is asked."""
    target = named(function) if function else Named("")
    if target.region and (shared["region"] or target.region) != target.region:
        raise UsageError(f"{function} is not in --region {shared['region']}.", "Omit --region.")
    where = {**shared, "region": target.region or shared["region"]}
    return Common(shown.format, shown.notices, shown.verbose, target.name, target.account, **where, **asked)


def _check_somebody_can_be_asked() -> None:
    """Check that there is a terminal to ask on.

    Raises:
        UsageError: there is none, so nothing may be changed without ``--yes``.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "Nothing was changed: there is no terminal to ask on.", "Add --yes, or --plan to see what would be done."
        )


def changing(command: Command) -> Command:
    """Add ``--plan``, ``--yes`` and ``--force``, for commands that change something."""
    command = option("--force", is_flag=True, help="Overwrite even what somebody else deployed since.")(command)
    command = option("--yes", is_flag=True, help="Do not ask. Required where there is no terminal.")(command)
    return option("--plan", is_flag=True, help="Show the effect and change nothing.")(command)
