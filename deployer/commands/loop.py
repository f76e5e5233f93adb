"""The commands of the loop: in with the probe, out with what nothing touches, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.commands.bucket import the_bucket
from deployer.commands.delivery import attach_policy, delivering
from deployer.commands.groups import command
from deployer.commands.options import Common, changing, common, option
from deployer.commands.parameters import events_folder, moment, whitelist_file
from deployer.commands.slimming import exporting, guarding, rarely, rules, steps, via
from deployer.errors import UsageError
from deployer.models.function import Configuration
from deployer.models.settings import Settings
from deployer.models.whitelist import Rules

if TYPE_CHECKING:
    from deployer.flow.models import Delivery
    from deployer.report.models import Report


@command()
@common
@changing
@option("--package", help="A folder, a zip or s3://bucket/key.zip [default: the function's current code].")
@option("--create", is_flag=True, help="Create the function if it does not exist (--role, --handler, --runtime).")
@option("--role", help="ARN of the role of a function to create.")
@option("--handler", help="Handler of a function to create, such as app.handler.")
@option("--runtime", help="Runtime of a function to create, such as python3.11.")
@option("--architecture", type=click.Choice(["x86_64", "arm64"]), default="x86_64", show_default=True)
@option("--memory", type=click.IntRange(128, 10240), help="MB while the probe is in [created: 1024].")
@option("--timeout", type=click.IntRange(1, 900), help="Seconds while the probe is in [created: 60].")
@option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="Let only this share of the sandboxes report.",
)
@attach_policy
@click.option(
    "--alias", help="Publish the probe and point this alias to it; restore points it back. Not taken from settings."
)
@option("--invoke", "events", type=events_folder, help="Send each *.json file of this folder once.")
@option("--cold", type=click.IntRange(0), default=0, help="Send them to this many fresh sandboxes.")
def probe(  # noqa: PLR0913, PLR0917 - one parameter an option
    shared: Common,
    package: str | None,
    create: bool,
    role: str | None,
    handler: str | None,
    runtime: str | None,
    architecture: Any,
    memory: int | None,
    timeout: int | None,
    sample: float,
    attach_policy: bool,
    alias: str | None,
    events: Path | None,
    cold: int,
) -> "Report":
    """Put the full package and the probe into FUNCTION.

    \b
    Examples:
      ldeploy probe my-function --package build/ --resolve-s3
      ldeploy probe my-function --invoke events/ --cold 20
    """
    from deployer import pipeline
    from deployer.flow.models import ProbeRequest

    made = None
    if create:
        if not (role and handler and runtime):
            raise UsageError("--create needs --role, --handler and --runtime.", "Give all three.")
        if not role.startswith("arn:"):
            raise UsageError(f"The role '{role}' is not an ARN.", "Give it whole: arn:aws:iam::123456789012:role/name.")
        made = Configuration(runtime, handler, role, architecture, memory or 1024, timeout or 60)
    if cold and not events:
        raise UsageError("--cold is about the events of --invoke.", "Give --invoke EVENTS_DIR too.")
    context = shared.context()
    in_s3 = package if package and package.startswith("s3://") else ""
    bucket, to_make = the_bucket(context, in_s3, create=shared.resolve_s3)
    request = ProbeRequest(
        shared.function,
        package,
        bucket,
        to_make,
        made,
        memory,
        timeout,
        events,
        sample,
        attach_policy,
        alias or "",
        shared.force,
        cold,
    )
    return pipeline.probe(context, shared.executor(), request)


def joined(whitelists: tuple[Any, ...]) -> Any:
    """Return what any of several functions with one package keeps; None where no whitelist is given."""
    from deployer.whitelist import keep_all

    return keep_all(whitelists[0], whitelists[1:]) if whitelists else None


@command()
@common
@changing
@option("--from-logs", is_flag=True, help="Take the evidence from the function's log: the default.")
@option("--since", type=moment, help="Read the log from here on: 7d, 12h, 30m, or 2026-01-31T12:00 (UTC).")
@option("--until", type=moment, help="Read the log up to here.")
@via
@rules
@option(
    "--whitelist",
    multiple=True,
    type=whitelist_file,
    help="Keep what this one keeps too: an earlier one, or another function's; repeatable.",
)
@option("--min-sandboxes", type=click.IntRange(1), default=1, show_default=True, help="Exit 4 if fewer reported.")
@option("--allow-lost", is_flag=True, help="Go on where records are lost and few sandboxes hold the rest.")
@rarely
@steps
@guarding
@exporting
@delivering
def shrink(  # noqa: PLR0913, PLR0917 - one parameter an option
    shared: Common,
    from_logs: bool,  # noqa: ARG001 - scripts give it; there is no other source for a function in AWS
    since: Any,
    until: Any,
    keep: tuple[str, ...],
    drop: tuple[str, ...],
    whitelist: tuple[Any, ...],
    min_sandboxes: int,
    allow_lost: bool,
    rare: float | None,
    settings: Settings,
    export: Path | None,
    delivery: "Delivery",
    via: Any,
) -> "Report":
    """Read the log of FUNCTION, keep what was touched, redeploy without the probe.

    \b
    Examples:
      ldeploy shrink my-function
      ldeploy shrink my-function --keep 'data/**' --export ldeploy.json
    """
    from deployer import pipeline
    from deployer.flow.models import ShrinkRequest
    from deployer.sources.reader import Window
    from deployer.state.workspace import LEAN, put_whole

    context = shared.context()
    now = context.now()
    window = Window(since(now) if since else None, until(now) if until else None)
    if (window.since or 0) >= (window.until or now):
        raise UsageError("--since is not before --until.", "Give an earlier --since or a later --until.")
    request = ShrinkRequest(
        shared.function,
        Rules(keep, drop, rare or 0),
        window,
        min_sandboxes,
        joined(whitelist),
        settings,
        via,
        delivery,
        allow_lost,
        together=shared.together,
    )
    done = pipeline.shrink(context, shared.executor(), request)
    if export:
        put_whole(context.workspace.path(LEAN), export)
    return done


@command()
@common
@changing
@option("--package", required=True, help="A fresh build: a folder, a zip or s3://bucket/key.zip.")
@option("--whitelist", multiple=True, type=whitelist_file, help="A whitelist.json [default: that of the last shrink].")
@rules
@steps
@guarding
@delivering
def deploy(  # noqa: PLR0913, PLR0917
    shared: Common,
    package: str,
    whitelist: tuple[Any, ...],
    keep: tuple[str, ...],
    drop: tuple[str, ...],
    settings: Settings,
    delivery: "Delivery",
) -> "Report":
    """Slim a fresh build of FUNCTION by the present whitelist, and deploy it.

    \b
    Example:
      ldeploy deploy my-function --package build/
    """
    from deployer import pipeline
    from deployer.flow.models import DeployRequest
    from deployer.flow.reports import last_whitelist

    context = shared.context()
    in_s3 = package if package.startswith("s3://") else ""
    bucket, to_make = the_bucket(context, in_s3, create=shared.resolve_s3)
    if to_make:
        raise UsageError(
            f"The bucket {bucket} does not exist, or is only half made.", "Run ldeploy probe --resolve-s3 first."
        )
    chosen = joined(whitelist) or last_whitelist(context.workspace)
    request = DeployRequest(shared.function, package, bucket, chosen, Rules(keep, drop), settings, delivery)
    return pipeline.deploy(context, shared.executor(), request)


@command()
@common
@changing
@option("--nearest", is_flag=True, help="If part of what was there before is gone, restore the nearest to it.")
def restore(shared: Common, nearest: bool) -> "Report":
    """Restore FUNCTION exactly to what it was before the last probe or deploy.

    \b
    Example:
      ldeploy restore my-function
    """
    from deployer import pipeline
    from deployer.flow.models import RestoreRequest

    request = RestoreRequest(shared.function, shared.force, nearest)
    return pipeline.restore(shared.context(), shared.executor(), request)


@command()
@common
@changing
def clean(shared: Common) -> "Report":
    """Delete what ldeploy made for FUNCTION and nobody needs any more: versions, layer versions, packages, policies.

    \b
    Example:
      ldeploy clean my-function --plan
    """
    from deployer.flow.clean import clean as clean_up

    return clean_up(shared.context(), shared.executor(), shared.function)
