"""The layer is small, the same each time, and holds what the wrapper needs in every runtime."""

import io
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployer.errors import LdeployError
from deployer.instrumentation import layer_zip
from probe_layer import journal
from probe_layer.record import MARK

TAG = sys.implementation.cache_tag
SHIM = Path(layer_zip.__file__).parents[2] / "probe_layer" / "shim"


def members() -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(layer_zip.build_layer())) as archive:
        return {info.filename: info for info in archive.infolist()}


def test_the_layer_is_the_same_each_time_and_under_170_kb() -> None:
    first = layer_zip.build_layer()
    assert layer_zip.build_layer() == first
    assert len(first) < 170_000


def test_the_layer_holds_the_wrapper_the_shims_and_the_probe() -> None:
    names = set(members())
    assert {"ldeploy/wrapper", "ldeploy/shim/x86_64.so", "ldeploy/shim/aarch64.so"} <= names
    assert {"ldeploy/probe_layer/launch.py", "ldeploy/probe_layer/record.py"} <= names
    assert not [name for name in names if name.endswith((".c", ".h", ".md"))]
    assert layer_zip.WRAPPER == "/opt/" + "ldeploy/wrapper"


def test_the_probe_is_not_compiled_at_each_start_by_the_python_that_is_here(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(layer_zip.build_layer())) as archive:
        archive.extractall(tmp_path)
    code = "import probe_layer.record as record; print(record.__cached__, record.MARK)"
    source = tmp_path / "ldeploy" / "probe_layer" / "record.py"
    source.write_text("VERSION = 'from source'")
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=source.parents[1], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [str(source.parent / "__pycache__" / f"record.{TAG}.pyc"), MARK]


def test_the_layer_is_the_same_from_process_to_process() -> None:
    code = (
        "import hashlib; from deployer.instrumentation.layer_zip import build_layer;"
        "print(hashlib.sha256(build_layer()).hexdigest())"
    )
    environments = [{**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)} for seed in "12"]
    command = [sys.executable, "-c", code]
    told = [subprocess.run(command, env=env, capture_output=True, check=True).stdout for env in environments]
    assert told[0] == told[1]


def test_the_wrapper_may_be_executed_and_everyone_may_read() -> None:
    modes = {name: info.external_attr >> 16 for name, info in members().items()}
    assert stat.S_IMODE(modes["ldeploy/wrapper"]) == 0o755
    assert all(mode & 0o444 == 0o444 for mode in modes.values())


def test_the_size_is_that_of_the_unpacked_files() -> None:
    assert layer_zip.layer_size() == sum(info.file_size for info in members().values())


def test_each_shim_is_of_its_own_architecture() -> None:
    machines = {"x86_64": 62, "aarch64": 183}  # EM_X86_64, EM_AARCH64
    for name, machine in machines.items():
        header = (SHIM / f"{name}.so").read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == machine


def test_a_shim_that_was_not_built_is_said_with_what_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIM.parent, tmp_path / "probe_layer", ignore=shutil.ignore_patterns("aarch64.so"))
    monkeypatch.setattr(layer_zip, "files", lambda package: tmp_path / package)
    with pytest.raises(LdeployError, match=r"aarch64 .*scripts/build-layer"):
        layer_zip.build_layer()


def test_the_journal_is_laid_out_the_same_for_its_writers_and_its_reader() -> None:
    header = (SHIM.parent / "journal.h").read_text()
    assert "SLOTS = 131072" in header
    assert "DATA_OFFSET = 4096 + SLOTS * 8" in header
    assert "JOURNAL_SIZE = 8 << 20" in header
    assert (journal.DATA, journal.SIZE) == (4096 + 131072 * 8, 8 << 20)
