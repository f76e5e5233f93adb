"""Real packages: strace and the probe agree to the file. And AWS's own emulator of the Runtime API runs the layer."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import pytest

from probe_layer.record import decode, encode
from tests.functional.probe_host import Host, strace, witnessed
from tests.functional.suite.judge import told
from tests.functional.witnesses import count

pytestmark = pytest.mark.network
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("name", ["tiles", pytest.param("sk", marks=pytest.mark.slow("a package of 300 MB"))])
def test_every_file_that_strace_sees_touched_is_in_the_records(name: str, example: Path, tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.task = example
    events = [json.loads(file.read_text()) for file in sorted((EXAMPLES / name / "events").iterdir())]
    run = host.run(events, prefix=strace(tmp_path / "traces"))
    assert len(run.answers) == len(events)
    assert not [answer for answer in run.answers if "errorType" in answer]
    assert not run.faults
    seen = witnessed(tmp_path / "traces", host.task)
    lines = [line for record in run.records for line in encode(record)]
    count(seen, told(lines))
    assert len(seen) > 500
    assert seen - run.touched() == set()
    if name == "tiles":  # asked about, never opened
        assert "rasterio/gdal_data/gdalvrt.xsd" in run.touched("looked") - run.touched("opened")


@pytest.fixture
def emulator(sam: Path, tmp_path: Path) -> Path:
    """The Runtime Interface Emulator, which SAM's command line brings along."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    (shipped,) = sam.parents[1].glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
    program = tmp_path / "emulator"
    shutil.copyfile(shipped, program)
    program.chmod(0o755)
    return program


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def emulated(emulator: Path, host: Host, output: Path) -> Iterator[str]:
    """The function's URL, for as long as the emulator runs."""
    port = free_port()
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
    start = host.tmp / "start"
    start.write_text(f'#!/bin/sh\nexec "{host.wrapper}" "{sys.executable}" "{host.bootstrap}"\n')
    start.chmod(0o755)
    variables = {
        "PATH": os.environ["PATH"],
        "LAMBDA_TASK_ROOT": str(host.task),
        "LDEPLOY_PACKAGE": "00112233aabbccdd",
    }
    with output.open("wb") as log:
        command = [str(emulator), *addresses, str(start), "app.handler"]
        process = subprocess.Popen(command, cwd=host.task, env=variables, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def post(url: str) -> bytes:
    request = urllib.request.Request(url, b"{}")
    for _ in range(100):
        try:
            with urllib.request.urlopen(request) as response:
                return bytes(response.read())
        except urllib.error.URLError:
            time.sleep(0.1)
    raise TimeoutError(url)


@pytest.mark.slow("installs SAM's command line, which has the emulator")
def test_the_layer_runs_under_the_runtime_interface_emulator(emulator: Path, tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.add("data/asked.txt", "x")
    host.add("app.py", "import os\ndef handler(event, context): return os.path.exists('data/asked.txt')")
    with emulated(emulator, host, tmp_path / "log") as url:
        assert [post(url), post(url)] == [b"true", b"true"]
    records = [record for line in (tmp_path / "log").read_text().splitlines() if (record := decode(line))]
    assert [record.phase for record in records] == ["start", "invoke", "invoke"]
    assert [record.touched for record in records] == [{"opened": ["app.py"]}, {"looked": ["data/asked.txt"]}, {}]
    assert not any(record.faults for record in records)
