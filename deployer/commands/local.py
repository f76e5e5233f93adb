"""Runs the AWS on this machine in the foreground: until it is told to end, or for the length of one command."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.commands.groups import ShownCommand
from deployer.commands.options import option
from deployer.errors import UsageError
from deployer.models.image import RootImage, read_image

if TYPE_CHECKING:
    from deployer.local import LocalAws


@click.group()
def local() -> None:
    """Run an AWS on this machine, whose Lambda invocations really run."""


images = option(
    "--image",
    multiple=True,
    metavar="RUNTIME=DIR",
    help="Run functions of a runtime (python3.13) on a root file system with its Python; repeatable.",
)


@local.command("start", cls=ShownCommand)
@option("--port", type=click.IntRange(0, 65535), default=0, help="On 127.0.0.1 [default: a free one].")
@images
def local_start(port: int, image: tuple[str, ...]) -> None:
    """Run it in the foreground; when it is ready, it prints one JSON line with its endpoint_url.

    \b
    Example:
      ldeploy local start --port 4566
    """
    serve(port, image, _ready)


def _ready(url: str) -> None:
    """Say where it is: one line for programs; on a terminal, for people the lines to copy too."""
    click.echo(json.dumps({"endpoint_url": url}))
    if not sys.stdout.isatty():
        return
    from deployer.local.sandbox.environment import CREDENTIALS  # an extra
    from deployer.local.server import REGION

    told = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": REGION, **CREDENTIALS}
    lines = "".join(f"  export {name}={value}\n" for name, value in told.items())
    click.echo(
        f"The local AWS is running. In another terminal:\n{lines}Ctrl-C ends it, and everything in it is gone.",
        err=True,
    )


@local.command("run", cls=ShownCommand, context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@images
def local_run(command: tuple[str, ...], image: tuple[str, ...]) -> None:
    """Run it for the length of one COMMAND, whose environment points to it.

    \b
    Example:
      ldeploy local run -- ldeploy doctor --resolve-s3
    """
    sys.exit(run(command, image))


def serve(port: int, images: Sequence[str], ready: Callable[[str], Any]) -> None:
    """Run it until Ctrl-C or SIGTERM.

    Args:
        port: on 127.0.0.1; 0 for any free one.
        images: ``python3.13=DIR`` each.
        ready: called with the endpoint URL when calls are answered.

    Raises:
        UsageError: the extra ``local`` is not installed, the port is taken, or an image cannot be run here.
    """
    _end_on_sigterm()
    with suppress(KeyboardInterrupt), _local_aws(port, images) as aws:
        ready(aws.endpoint_url)
        while True:
            signal.pause()


def run(command: Sequence[str], images: Sequence[str] = ()) -> int:
    """Run it for the length of one command, whose environment points at it; return the command's exit code.

    Raises:
        UsageError: the extra ``local`` is not installed, there is no such command, or an image cannot be run here.
    """
    _end_on_sigterm()
    with _local_aws(0, images) as aws:
        try:
            child = subprocess.Popen(command, env=aws.environment())
        except OSError as error:
            raise UsageError(f"'{command[0]}' cannot be run: {error.strerror}.", "Check the command.") from error
        try:
            code = child.wait()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            raise
    return code if code >= 0 else 128 - code


def _local_aws(port: int, images: Sequence[str]) -> "LocalAws":
    try:
        from deployer.local import LocalAws  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The AWS on this machine needs {error.name}, which is not installed.", "Run: pip install 'ldeploy[local]'."
        ) from error
    os.umask(0o022)  # what is unpacked for a sandbox must be readable to the sandbox's user
    return LocalAws(port, images=[_read_image(text) for text in images])


def _read_image(text: str) -> RootImage:
    runtime, equals, folder = text.partition("=")
    if not (equals and folder):
        raise UsageError(f"--image {text} names no folder.", "Write python3.13=DIR, for example.")
    return read_image(runtime, Path(folder))


def _end_on_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C; a script's background job ignores SIGINT
