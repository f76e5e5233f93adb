"""How commands are found and how their help is shown: a command's module is imported when it is called."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import click
from click.core import ParameterSource

SHARED: Final = frozenset(
    {
        *("stack_name", "logical_id", "region", "profile", "endpoint_url", "bucket", "bucket_owner", "resolve_s3"),
        *("output", "verbose", "quiet", "help"),
    }
)
"""Parameters of options that every command on a function has, or nearly every one."""
ASKING: Final = frozenset({"plan", "yes", "force"})
"""Those of every command that changes something."""


@dataclass(frozen=True)
class Entry:
    """Where a command is, and what it does in a few words."""

    module: str
    """Below ``deployer.commands``."""
    summary: str


class ShownCommand(click.Command):
    """A command whose help shows its own options first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in groups."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": [], "Changes": [], "Everywhere": []}
        for param in self.get_params(ctx):
            title = "Everywhere" if param.name in SHARED else "Changes" if param.name in ASKING else ""
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record:
                groups[title or "Options"].append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class LazyGroup(click.Group):
    """A group that knows its commands by a table, and imports only the one that is called."""

    entries: Mapping[str, Entry] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        found: click.Command = getattr(import_module(f"deployer.commands.{entry.module}"), cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.entries.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; of one that is not there, say which may be meant."""
        if args and not args[0].startswith("-") and args[0] not in self.entries:
            ctx.fail(f"There is no command '{args[0]}'.{did_you_mean(args[0], self.entries)}")
        return super().resolve_command(ctx, args)

    def all_commands(self) -> dict[str, click.Command]:
        """Import every command."""
        ctx = click.Context(self)
        return {name: found for name in self.entries if (found := self.get_command(ctx, name))}


def did_you_mean(name: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    """Return a sentence that names what is like a name; empty where nothing is. It begins with a space."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def origin(param: click.Parameter | None, ctx: click.Context | None) -> str:
    """Return where a value comes from that nobody typed: a variable, or the settings file; empty where it was typed."""
    if param is None or ctx is None or param.name is None:
        return ""
    match ctx.get_parameter_source(param.name):
        case ParameterSource.ENVIRONMENT:
            return f"the variable {param.envvar}"
        case ParameterSource.DEFAULT_MAP:
            setting = param.opts[0].removeprefix("--")
            return f"the setting {setting} of ldeploy.toml or pyproject.toml"
        case _:
            return ""


def command(*arguments: Any, **settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Return click's decorator for a command whose help shows its own options first."""
    return click.command(*arguments, cls=ShownCommand, **settings)
