"""``ldeploy doctor``: what would stop a probe of a function, and what is to be known of a build."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.commands.groups import command
from deployer.commands.options import Common, common, option

if TYPE_CHECKING:
    from deployer.report.models import Report


@command()
@partial(common, required=False)
@option("--package", type=click.Path(path_type=Path), help="A build to look at: a folder or a zip.")
@option("--runtime", help="The runtime that the build is for [default: the function's, or this Python's].")
@option(
    "--architecture",
    type=click.Choice(["x86_64", "arm64"]),
    help="Its architecture [default: the function's, or x86_64].",
)
@option("--handler", help="Its handler, such as app.handler [default: the function's].")
def doctor(
    shared: Common, package: Path | None, runtime: str | None, architecture: str | None, handler: str | None
) -> "Report":
    """Check what would stop a probe; change nothing.

    With FUNCTION, it checks the function and its surroundings. With --package, it checks a build without calling AWS:
    sizes, limits, duplicates, wheels for another machine.

    \b
    Examples:
      ldeploy doctor my-function
      ldeploy doctor --package build/
    """
    from deployer.flow.doctor import doctor as examine
    from deployer.flow.package_check import BuildRequest, check_build

    if package and not shared.function:
        here = f"python{sys.version_info.major}.{sys.version_info.minor}"
        asked = BuildRequest(package, runtime or here, architecture or "x86_64", handler or "")
        return check_build(asked, shared.notices)
    context = shared.context()
    found = examine(context, shared.function, context.workspace.bucket, make=shared.resolve_s3)
    known = context.aws.functions.find(shared.function) if package else None
    if not (package and known):
        return found
    of = known.configuration
    asked = BuildRequest(package, runtime or of.runtime, architecture or of.architecture, handler or of.handler)
    build = check_build(asked, shared.notices)
    checks = (*found.checks, *build.checks)
    return replace(found, ready=found.ready and build.ready, checks=checks, weights=build.weights)
