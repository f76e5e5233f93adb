"""Real packages: strace and the probe agree to the file. And AWS's own emulator of the Runtime API runs the layer."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from probe_layer.record import decode, encode
from tests.end_to_end.emulator import emulated, emulator_of, post
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


@pytest.mark.slow("installs SAM's command line, which has the emulator")
def test_the_layer_runs_under_the_runtime_interface_emulator(sam: Path, tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.add("data/asked.txt", "x")
    host.add("app.py", "import os\ndef handler(event, context): return os.path.exists('data/asked.txt')")
    runtime = [str(host.wrapper), sys.executable, str(host.bootstrap)]
    variables = {
        "PATH": os.environ["PATH"],
        "LAMBDA_TASK_ROOT": str(host.task),
        "LDEPLOY_PACKAGE": "00112233aabbccdd",
    }
    with emulated(emulator_of(sam, tmp_path), runtime, variables, tmp_path / "log") as url:
        assert [post(url), post(url)] == [b"true", b"true"]
    records = [record for line in (tmp_path / "log").read_text().splitlines() if (record := decode(line))]
    assert [record.phase for record in records] == ["start", "invoke", "invoke"]
    assert [record.touched for record in records] == [{"opened": ["app.py"]}, {"looked": ["data/asked.txt"]}, {}]
    assert not any(record.faults for record in records)
