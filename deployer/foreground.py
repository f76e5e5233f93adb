"""The AWS on this machine in the foreground: until it is told to end, or for the length of one command."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.local import LocalAws


def serve(port: int, ready: Callable[[str], Any]) -> None:
    """Runs it until Ctrl-C or SIGTERM.

    Args:
        port: on 127.0.0.1; 0 for any free one.
        ready: called with the endpoint URL when calls are answered.

    Raises:
        UsageError: the extra ``local`` is not installed, or the port is taken.
    """
    _end_on_sigterm()
    with suppress(KeyboardInterrupt), _local_aws(port) as aws:
        ready(aws.endpoint_url)
        while True:
            signal.pause()


def run(command: Sequence[str]) -> int:
    """Runs it for the length of one command, whose environment points at it, and gives the command's exit code.

    Raises:
        UsageError: the extra ``local`` is not installed, or there is no such command.
    """
    _end_on_sigterm()
    with _local_aws(0) as aws:
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


def _local_aws(port: int) -> "LocalAws":
    try:
        from deployer.local import LocalAws  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The AWS on this machine needs {error.name}, which is not installed.", "Run: pip install 'ldeploy[local]'."
        ) from error
    os.umask(0o022)  # what is unpacked for a sandbox must be readable to the sandbox's user
    return LocalAws(port)


def _end_on_sigterm() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))  # noqa: ARG005
