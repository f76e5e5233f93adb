"""AWS's own emulator of the Runtime API, with a runtime of this machine behind it."""

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket


def emulator_of(sam: Path, folder: Path) -> Path:
    """Copy the Runtime Interface Emulator, which SAM's command line brings along; return the program."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    (shipped,) = sam.parents[1].glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
    program = folder / "emulator"
    shutil.copyfile(shipped, program)
    program.chmod(0o755)
    return program


@contextmanager
def emulated(
    emulator: Path, runtime: Sequence[str], variables: Mapping[str, str], output: Path, prefix: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the function's URL, for as long as the emulator runs.

    Args:
        emulator: the program.
        runtime: the command that starts the runtime.
        variables: of the environment; LAMBDA_TASK_ROOT is where it starts.
        output: gets what the function prints.
        prefix: what the emulator is started by.
    """
    port = _free_port()
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{_free_port()}"]
    start = emulator.with_name("start")
    quoted = " ".join(f'"{word}"' for word in runtime)
    start.write_text(f"#!/bin/sh\nexec {quoted}\n")
    start.chmod(0o755)
    with output.open("wb") as log:
        command = [*prefix, str(emulator), *addresses, str(start), "app.handler"]
        task = variables["LAMBDA_TASK_ROOT"]
        process = subprocess.Popen(command, cwd=task, env={**variables}, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(url: str, event: str = "{}") -> bytes:
    """Send an event; return the answer. The emulator may take a moment to start."""
    request = urllib.request.Request(url, event.encode())
    for _ in range(100):
        try:
            with urllib.request.urlopen(request) as response:
                return bytes(response.read())
        except urllib.error.URLError:
            time.sleep(0.1)
    raise TimeoutError(url)
