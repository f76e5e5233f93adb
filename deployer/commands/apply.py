"""``ldeploy apply``: a fresh build made slim by a whitelist."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.commands.groups import command
from deployer.commands.options import answering, option
from deployer.commands.output import Output
from deployer.commands.parameters import whitelist_file
from deployer.commands.slimming import rules, steps
from deployer.models.settings import Guarding, Settings
from deployer.models.whitelist import Rules

if TYPE_CHECKING:
    from deployer.report.models import Report


@command()
@answering
@click.argument("whitelist", type=whitelist_file)
@click.argument("build", type=click.Path(path_type=Path))
@option(
    "--whitelist",
    "others",
    multiple=True,
    type=whitelist_file,
    help="Another function's for this build; repeatable.",
)
@rules
@steps
@option("--runtime", help="The function's runtime, such as python3.11 [default: the whitelist's].")
@option("--strict", is_flag=True, help="If a distribution changed, exit 4 and leave the build as it is.")
@option(
    "--guard",
    type=click.Choice([str(Guarding.INSIDE), str(Guarding.OFF)]),
    default=str(Guarding.OFF),
    show_default=True,
    help="Dropped files come back from inside the zip when they are asked for; the template sets the wrapper.",
)
@option("--zip", "zipped", type=click.Path(dir_okay=False, path_type=Path), help="Write the slim zip to this file.")
def apply(  # noqa: PLR0913, PLR0917 - one parameter an option
    shown: Output,
    whitelist: Any,
    build: Path,
    others: tuple[Any, ...],
    keep: tuple[str, ...],
    drop: tuple[str, ...],
    settings: Settings,
    runtime: str | None,
    strict: bool,
    guard: str,
    zipped: Path | None,
) -> "list[Report]":
    """Slim a fresh BUILD by a WHITELIST kept in the repository.

    BUILD is a folder or a zip, and is changed in place; a zip stays as it is where --zip names another. AWS is not
    called. Running it twice is the same as running it once.

    \b
    Examples:
      ldeploy apply ldeploy.json build/
      ldeploy apply ldeploy.json full.zip --zip slim.zip --guard inside
      ldeploy apply ldeploy/a.json build.zip --whitelist ldeploy/b.json
    """
    from deployer.flow.apply import ApplyRequest
    from deployer.flow.apply import apply as apply_to
    from deployer.whitelist import keep_all

    settings = replace(settings, guard=Guarding(guard))
    request = ApplyRequest(
        keep_all(whitelist, others), build, Rules(keep, drop), settings, runtime or "", strict, zipped
    )
    return [apply_to(request, shown.notices)]
