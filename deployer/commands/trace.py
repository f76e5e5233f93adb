"""``ldeploy trace``: evidence, whitelist and slim zip on this machine, without AWS."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from deployer.commands.groups import command
from deployer.commands.options import FOLDER, answering, option
from deployer.commands.output import Output
from deployer.commands.parameters import events_folder
from deployer.commands.slimming import exporting, guarding, rules, steps
from deployer.errors import UsageError
from deployer.models.function import Configuration, named
from deployer.models.settings import Guarding, Settings
from deployer.models.whitelist import Rules

if TYPE_CHECKING:
    from deployer.flow.trace import Open
    from deployer.report.models import Report

_ARCHITECTURES: Final[Mapping[str, Literal["x86_64", "arm64"]]] = {"x86_64": "x86_64", "aarch64": "arm64"}


@command()
@answering
@option("--package", type=click.Path(path_type=Path), required=True, help="The full build: a folder or a zip.")
@option("--handler", required=True, help="The function's handler, such as app.handler.")
@option("--events", type=events_folder, required=True, help="A folder with one event in each *.json file.")
@option("--zip", "zipped", type=click.Path(dir_okay=False, path_type=Path), help="Write the slim zip to this file too.")
@option("--runtime", help="The function's runtime [default: this Python's].")
@option("--cold", type=click.IntRange(1), default=1, show_default=True, help="Send all events to this many sandboxes.")
@option("--env", multiple=True, metavar="NAME=VALUE", help="A variable of the function; repeatable.")
@option("--memory", type=click.IntRange(128, 10240), default=1024, show_default=True, help="MB that the function sees.")
@option("--timeout", type=click.IntRange(1, 900), default=60, show_default=True, help="Seconds an event may take.")
@option("--name", default="trace", show_default=True, help="The function's name in reports, and below .ldeploy/.")
@exporting
@rules
@steps
@guarding
def trace(  # noqa: PLR0913, PLR0917 - one parameter an option
    shown: Output,
    package: Path,
    handler: str,
    events: Path,
    zipped: Path | None,
    runtime: str | None,
    cold: int,
    env: tuple[str, ...],
    memory: int,
    timeout: int,
    name: str,
    export: Path | None,
    keep: tuple[str, ...],
    drop: tuple[str, ...],
    settings: Settings,
) -> "list[Report]":
    """Learn from events on this machine, without AWS.

    The handler runs in sandboxes like Lambda's, with the probe in. Its own calls to AWS fail, unless
    AWS_ENDPOINT_URL is set (ldeploy local run -- ldeploy trace ...).

    \b
    Example:
      ldeploy trace --package build/ --handler app.handler \\
        --events events/ --zip slim.zip
    """
    from deployer.flow.trace import TraceRequest
    from deployer.flow.trace import trace as trace_build
    from deployer.state.workspace import LEAN, put_whole

    if settings.guard is Guarding.S3:
        raise UsageError("A trace has no bucket: --guard s3 is for functions in AWS.", "Give --guard inside, or off.")
    sandboxes = _sandboxes()
    machine = _ARCHITECTURES.get(os.uname().machine, "x86_64")
    runtime = runtime or f"python{sys.version_info.major}.{sys.version_info.minor}"
    configuration = Configuration(runtime, handler, "", machine, memory, timeout, environment=_variables(env))
    request = TraceRequest(
        named(name).name, package, configuration, events, cold, Rules(keep, drop), settings, _folder(name)
    )
    done = trace_build(request, sandboxes, shown.notices, lambda: time.time_ns() // 1_000_000)
    if zipped and done.state == "traced":
        put_whole(Path(done.artifacts.zip), zipped)
    if export:
        put_whole(request.folder / LEAN, export)
    return [done]


def _folder(name: str) -> Path:
    from deployer.state.workspace import IGNORED

    Path(FOLDER).mkdir(exist_ok=True)
    ignore = Path(FOLDER, ".gitignore")
    if not ignore.exists():
        ignore.write_text(IGNORED)
    return Path(FOLDER, name)


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    wrong = [one.partition("=")[0] for one in given if "=" not in one]
    if wrong:
        raise UsageError(f"--env {wrong[0]} has no value.", "Write --env NAME=VALUE.")
    return dict(one.split("=", 1) for one in given)


def _sandboxes() -> "Open":
    try:
        from deployer.local.trace import sandboxes  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise UsageError(
            f"A trace needs {error.name}, which is not installed.", "Run: pip install 'ldeploy[local]'."
        ) from error
    os.umask(0o022)  # what is unpacked for a sandbox must be readable to the sandbox's user
    return sandboxes
