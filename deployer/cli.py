"""The command line: which commands there are, and where; each is imported when it is called."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from deployer import __version__
from deployer.commands import settings_file
from deployer.commands.errors import guarded, wants_json
from deployer.commands.groups import Entry, LazyGroup

COMMANDS: Final = {
    "probe": Entry("loop", "Deploy the full package with the probe in"),
    "shrink": Entry("loop", "Keep what was touched, take the probe out"),
    "deploy": Entry("loop", "Slim a fresh build and deploy it"),
    "restore": Entry("loop", "Go back to what was there before"),
    "status": Entry("results", "Show the state, and what was seen so far"),
    "why": Entry("results", "Show why a file is kept or dropped"),
    "report": Entry("results", "Show what the last shrink found and did"),
    "invoke": Entry("invoke", "Send events and show the answers"),
    "doctor": Entry("doctor", "Check a function, or a build"),
    "trace": Entry("trace", "Learn from events here, without AWS"),
    "apply": Entry("apply", "Slim a build by a whitelist, without AWS"),
    "shift": Entry("shift", "Watch or end a shift of traffic"),
    "clean": Entry("loop", "Delete what is no longer needed"),
    "local": Entry("local", "Run an AWS on this machine"),
}
_EPILOG: Final = """\b
Example:
  ldeploy probe my-function --package build/ --resolve-s3
  ldeploy shrink my-function

\b
Completion, in ~/.bashrc (likewise zsh_source, fish_source):
  eval "$(_LDEPLOY_COMPLETE=bash_source ldeploy)"
"""


class _Commands(LazyGroup):
    entries = COMMANDS


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, "-V", "--version", prog_name="ldeploy")
def ldeploy() -> None:
    """Deploy a Lambda function in full, learn from real invocations which files it needs, redeploy only those."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command as the process, and end with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(guarded(lambda: _invoke(given), as_json=wants_json(given)))


def _invoke(arguments: list[str]) -> None:
    ldeploy.main(arguments, prog_name="ldeploy", standalone_mode=False, default_map=_defaults())


def _defaults() -> dict[str, Any]:
    """Return what the project's settings file says, for each command; nothing is imported where there is none."""
    folder = Path.cwd()
    if settings_file.file_of(folder) is None:
        return {}
    commands = ldeploy.all_commands()
    groups = {name: group.commands for name, group in commands.items() if isinstance(group, click.Group)}
    every = [each for several in (commands, *groups.values()) for each in several.values()]
    options = [one for command in every for one in command.params if isinstance(one, click.Option)]
    names = {option.opts[0].removeprefix("--").replace("-", "_"): option.name for option in options}
    found = settings_file.settings(folder, names.keys() - {"help"})
    several = {option.name for option in options if option.multiple}
    listed = {
        names[setting]: [value] if names[setting] in several and isinstance(value, str) else value
        for setting, value in found.items()
    }
    of_probe = {name: value for name, value in listed.items() if name != "alias"}  # it moves traffic: said each time
    nested = {name: dict.fromkeys(group, listed) for name, group in groups.items()}
    return {**dict.fromkeys(commands, listed), "probe": of_probe, **nested}
