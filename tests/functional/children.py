"""Python programs in processes of their own, forked from one that has ldeploy loaded: that saves a second each.

Run as a program, this module is that process: it forks for each line of its standard input.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer import cli  # noqa: F401 - what takes long to load
from deployer.aws import open_aws
from tests.functional.descriptions import read_once

if TYPE_CHECKING:
    from tests.functional.local_aws import Cloud

ROOT = Path(__file__).parents[2]


def child(code: str, cloud: "Cloud", folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program whose AWS is the embedded one, and wait for its end."""
    environment = {**cloud.aws.environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    with tempfile.TemporaryDirectory() as name:
        outputs = [Path(name, "out"), Path(name, "err")]
        program = {"code": code, "folder": str(folder), "environment": environment, "arguments": arguments}
        ended = _run({**program, "outputs": [str(output) for output in outputs]})
        return subprocess.CompletedProcess(arguments, ended, *(output.read_text() for output in outputs))


def _run(program: dict[str, Any]) -> int:
    """Return how the program ended: its exit code, or minus the number of its signal."""
    parent = _parent()
    assert parent.stdin
    assert parent.stdout
    parent.stdin.write(json.dumps(program) + "\n")
    parent.stdin.flush()
    return int(parent.stdout.readline())


@functools.cache
def _parent() -> "subprocess.Popen[str]":
    """Start the process that forks; it ends with this one."""
    command = [sys.executable, "-m", __name__]
    started = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(started.communicate)  # closes its input
    return started


def fork_each() -> None:
    """Fork for each program and print how it ended."""
    read_once()
    aws = open_aws("us-east-1", None, "http://127.0.0.1:9")
    _ = (aws.storage, aws.logs, aws.roles, aws.stacks, aws.clients.tokens)  # has boto3's descriptions read
    for line in sys.stdin:
        if not (fork := os.fork()):
            become(json.loads(line))
            sys.exit()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])}\n")
        sys.stdout.flush()


def become(program: dict[str, Any]) -> None:
    """Run a program as ``python -c`` would."""
    for number, path in enumerate([os.devnull, *program["outputs"]]):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    os.chdir(program["folder"])
    os.environ.clear()
    os.environ.update(program["environment"])
    sys.argv = ["-c", *program["arguments"]]
    exec(program["code"], {"__name__": "__main__"})


if __name__ == "__main__":
    fork_each()
