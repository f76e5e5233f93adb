"""docs/reference.md and the command line, kept in step."""

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from deployer.cli import ldeploy
from deployer.commands.groups import ASKING, SHARED
from deployer.commands.loop import restore

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
MARKS = re.compile(r"(?<=<!-- commands -->\n).*?(?=<!-- /commands -->)", re.DOTALL)


def commands() -> str:
    """Every command with its options, as Markdown; what all commands on a function share stands at the end."""
    shared: set[str | None] = {*SHARED, *ASKING}
    parts = [part for command in ldeploy.all_commands().values() for part in _command("ldeploy", command, shared)]
    asking = [option for option in restore.params if option.name in ASKING]
    everywhere = [option for option in restore.params if option.name in SHARED]
    parts.append(f"**Every command on a function** takes:\n\n{_table(everywhere)}")
    parts.append(f"**Every command that changes something** takes:\n\n{_table(asking)}")
    return "\n" + "\n".join(parts)


def _command(path: str, command: click.Command, shared: set[str | None]) -> Iterator[str]:
    path = f"{path} {command.name}"
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from _command(path, inner, shared)
        return
    context = click.Context(command)
    arguments = [option.make_metavar(context) for option in command.params if isinstance(option, click.Argument)]
    usage = " ".join([path, *arguments])
    own = [option for option in command.params if option.name not in shared]
    table = f"\n{_table(own)}" if any(isinstance(option, click.Option) for option in own) else ""
    yield f"**`{usage}`** {_summary(command)}\n{table}"


def _summary(command: click.Command) -> str:
    """Return what the help says before its examples."""
    told, _, _ = inspect.cleandoc(command.help or "").partition("\b")
    return " ".join(told.split())


def _table(options: Iterable[click.Parameter]) -> str:
    records = (
        option.get_help_record(click.Context(click.Command("x")))
        for option in options
        if isinstance(option, click.Option) and option.name != "help"
    )
    cells = ([cell.replace("|", "\\|") for cell in record] for record in records if record)
    rows = [f"| `{name}` | {what} |" for name, what in cells]
    return "\n".join(["| option | |", "| --- | --- |", *rows]) + "\n"


def written() -> str:
    """What the page says now."""
    found = MARKS.search(PAGE.read_text())
    return found[0] if found else ""


if __name__ == "__main__":
    PAGE.write_text(MARKS.sub(lambda _: commands(), PAGE.read_text()))
