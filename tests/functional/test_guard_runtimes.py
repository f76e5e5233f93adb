"""The guard works in every Python that Lambda has, from both places, behind its own wrapper and a user's."""

import ast
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from deployer.instrumentation.manifest import InBucket
from deployer.package import index, open_file, pack_folder, unpack
from deployer.slim import copy_all, write_slim
from deployer.slim.guard import GuardRequest, guard
from probe_layer.guard.line import decode
from tests.functional.guard_server import FaultyBucket, serving
from tests.functional.project import write
from tests.functional.test_probe_runtimes import LAYER, MINORS, interpreter

OWN_TMP = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /tmp && exec "$@"', "sh")
OWN = '#!/bin/sh\nexport OWN=yes\nexec "$@"\n'
ASK = """
import json, os, subprocess, sys
import lazy, gone.leaf
child = subprocess.run([sys.executable, "-c", "import gone.other as o; print(o.OTHER)"], capture_output=True, text=True)
print(json.dumps([lazy.LAZY, gone.leaf.LEAF, open("data/table.txt").read(), sorted(os.listdir("gone")), child.stdout,
                  os.environ.get("OWN")]))
"""
FILES = {
    "app.py": "",
    "own.sh": OWN,
    "lazy.py": "LAZY = 'lazy'\n",
    "gone/__init__.py": "",
    "gone/leaf.py": "LEAF = 'leaf'\n",
    "gone/other.py": "OTHER = 'other'\n",
    "data/table.txt": "table",
}
ANSWER = ["lazy", "leaf", "table", ["__init__.py", "leaf.py", "other.py"], "other\n", "yes"]


@pytest.mark.parametrize("file", sorted((LAYER / "guard").glob("*.py")), ids=lambda file: file.name)
def test_the_guard_is_written_in_what_python_39_has(file: Path) -> None:
    ast.parse(file.read_text(), feature_version=(3, 9))


@pytest.fixture(scope="module", params=["inside", "s3"])
def task(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Yield a guarded package, unpacked outside of /tmp, and the address of the bucket."""
    if subprocess.run([*OWN_TMP, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file systems can be mounted here")
    folder = tmp_path_factory.mktemp("guard")
    pack_folder(write(folder / "build", FILES), folder / "full.zip")
    data = (folder / "full.zip").read_bytes()
    place = Path("/var/tmp") / f"ldeploy-{uuid4().hex}"
    where = InBucket("packages", "full.zip", "", len(data), "us-east-1") if request.param == "s3" else None
    with open_file(folder / "full.zip") as source:
        full = index(source)
        write_slim(source, full, copy_all(full, ["app.py", "own.sh"]), folder / "slim.zip")
        machine = GuardRequest(where, (os.uname().machine,))
        guard(folder / "slim.zip", source, full, machine, folder / "guarded.zip")
    place.mkdir()
    with open_file(folder / "guarded.zip") as source:
        unpack(source, index(source), place)
    (place / "own.sh").chmod(0o755)
    bucket: FaultyBucket
    with serving(data) as bucket:
        yield place, bucket.url("fine")
    shutil.rmtree(place)


@pytest.mark.parametrize("minor", MINORS)
def test_it_serves_in_each_python(task: tuple[Path, str], minor: int) -> None:
    place, address = task
    python = subprocess.run(
        [interpreter(minor), "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    settings = {"AWS_ENDPOINT_URL_S3": address, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    environment = {**settings, "PATH": os.environ["PATH"], "LDEPLOY_WRAPPER": str(place / "own.sh")}
    command = [*OWN_TMP, str(place / ".ldeploy/start"), python, "-B", "-c", ASK]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, env=environment, check=True)
    said = [line for text in done.stdout.splitlines() if (line := decode(text))]
    assert json.loads(done.stdout.splitlines()[-1]) == ANSWER
    assert {line.miss for line in said} == FILES.keys() - {"app.py", "own.sh"}
    assert all(line.served for line in said)
