"""AWS's own emulator of the Runtime API runs a guarded package, and what was dropped is served."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from deployer.package import index, open_file, pack_folder, unpack
from deployer.slim import copy_all, write_slim
from deployer.slim.guard import GuardRequest, guard
from probe_layer.guard.line import decode
from tests.end_to_end.emulator import emulated, emulator_of, post
from tests.functional.probe_host import BOOTSTRAP
from tests.functional.project import write

pytestmark = [pytest.mark.network, pytest.mark.slow("installs SAM's command line, which has the emulator")]
OWN_TMP = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /tmp && exec "$@"', "sh")
APP = """
import subprocess, sys

def handler(event, context):
    if event.get("do") == "lazy":
        import gone.leaf
        return gone.leaf.LEAF
    if event.get("do") == "child":
        code = "import gone.other as other; print(other.OTHER)"
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    return open("data/table.txt").read() if event.get("do") == "read" else "usual"
"""
FILES = {
    "app.py": APP,
    "gone/__init__.py": "",
    "gone/leaf.py": "LEAF = 'leaf'\n",
    "gone/other.py": "OTHER = 'other'\n",
    "data/table.txt": "table",
}


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder outside of /tmp, of which the function has one of its own."""
    if subprocess.run([*OWN_TMP, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file systems can be mounted here")
    folder = Path("/var/tmp") / f"ldeploy-{uuid4().hex}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def test_it_serves_under_the_runtime_interface_emulator(sam: Path, place: Path, tmp_path: Path) -> None:
    pack_folder(write(tmp_path / "build", FILES), tmp_path / "full.zip")
    with open_file(tmp_path / "full.zip") as source:
        full = index(source)
        write_slim(source, full, copy_all(full, ["app.py"]), tmp_path / "slim.zip")
        guard(tmp_path / "slim.zip", source, full, GuardRequest(None, (os.uname().machine,)), tmp_path / "guarded.zip")
    task = place / "task"
    task.mkdir()
    with open_file(tmp_path / "guarded.zip") as source:
        unpack(source, index(source), task)
    (place / "bootstrap.py").write_text(BOOTSTRAP)
    runtime = [str(task / ".ldeploy/start"), sys.executable, str(place / "bootstrap.py")]
    variables = {"PATH": os.environ["PATH"], "LAMBDA_TASK_ROOT": str(task)}
    with emulated(emulator_of(sam, place), runtime, variables, tmp_path / "log", OWN_TMP) as url:
        usual = json.loads(post(url))
        nothing = [line for text in (tmp_path / "log").read_text().splitlines() if (line := decode(text))]
        answers = [json.loads(post(url, json.dumps({"do": do}))) for do in ("lazy", "child", "read")]
    said = [line for text in (tmp_path / "log").read_text().splitlines() if (line := decode(text))]
    assert (usual, nothing) == ("usual", [])
    assert answers == ["leaf", "other\n", "table"]
    assert {line.miss for line in said} == FILES.keys() - {"app.py"}
    assert all(line.served for line in said)
