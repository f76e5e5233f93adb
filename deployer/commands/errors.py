"""The one place where errors become text, JSON and exit codes."""

import os
from collections.abc import Callable, Sequence

import click

from deployer.commands.groups import origin
from deployer.errors import ExitCode, LdeployError

_BUG = "This is a bug in ldeploy. Run the command again with --verbose and report the output."


class ToldError(Exception):
    """An error that is on stdout already.

    Args:
        error: what went wrong.
    """

    def __init__(self, error: LdeployError) -> None:
        super().__init__(f"{error}")
        self.error = error


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether stdout is to be JSON, known even where the command line itself is wrong.

    Args:
        arguments: the words behind ``ldeploy``.
    """
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--output" or word.startswith("--output="):
            return (following if word == "--output" else word.partition("=")[2]) == "json"
    return os.environ.get("LDEPLOY_OUTPUT") == "json"


def guarded(command: Callable[[], None], *, as_json: bool) -> ExitCode:
    """Run the command; tell what goes wrong in one or two sentences on stderr, and in JSON on stdout if asked.

    Args:
        command: does the work.
        as_json: whether stdout is to be one JSON object also when the command fails.
    """
    try:
        command()
    except (Exception, KeyboardInterrupt) as error:
        told = error.error if isinstance(error, ToldError) else explained(error)
        if as_json and not isinstance(error, ToldError):
            from deployer.report.json import error_to_json  # the reports take long to import

            click.echo(error_to_json(told), nl=False)
        usage = f"\n{error.ctx.get_usage()}" if isinstance(error, click.UsageError) and error.ctx else ""
        click.echo(f"ldeploy: {told}{usage}", err=True)
        return told.exit_code
    return ExitCode.DONE


def explained(error: BaseException) -> LdeployError:  # noqa: PLR0911 - a line a kind
    """Return any error as one of ours, with its exit code."""
    match error:
        case LdeployError():
            return error
        case click.BadParameter() if where := origin(error.param, error.ctx):
            return LdeployError(f"{where[0].upper()}{where[1:]} is wrong: {error.message}", "", ExitCode.USAGE)
        case click.UsageError():
            return LdeployError(error.format_message(), "", ExitCode.USAGE)
        case KeyboardInterrupt() | click.Abort():
            return LdeployError("Interrupted.", "You can run the same command again.", ExitCode.INTERRUPTED)
        case click.ClickException():
            return LdeployError(error.format_message())
        case OSError():
            where = f" ({error.filename})" if error.filename else ""
            return LdeployError(f"{error.strerror or error}{where}.")
        case _:
            return LdeployError(f"An internal error occurred ({type(error).__name__}).", _BUG)
