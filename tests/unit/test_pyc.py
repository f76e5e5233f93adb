"""Bytecode that Python would run although its source was changed is found."""

import io
import py_compile
import sys
import zipfile
from pathlib import Path

import pytest

from deployer.models.whitelist import Reason
from deployer.package import index
from deployer.package.pyc import find_stale
from deployer.whitelist import drop_stale
from tests.unit.test_manifest import Memory
from tests.unit.whitelists import chosen, evidence, package

CACHED = f"__pycache__/app.{sys.implementation.cache_tag}.pyc"
MODES = py_compile.PycInvalidationMode


def compiled(tmp_path: Path, mode: MODES) -> bytes:
    (tmp_path / "app.py").write_text("x = 1\n")
    py_compile.compile(str(tmp_path / "app.py"), str(tmp_path / "pyc"), invalidation_mode=mode)
    return (tmp_path / "pyc").read_bytes()


def stale(files: dict[str, bytes]) -> set[str]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
    source = Memory(stream.getvalue())
    return set(find_stale(source, index(source)))


def test_unchecked_bytecode_of_another_source_is_stale(tmp_path: Path) -> None:
    pyc = compiled(tmp_path, MODES.UNCHECKED_HASH)
    assert stale({"app.py": b"x = 2\n", CACHED: pyc}) == {CACHED}
    optimized = CACHED.replace(".pyc", ".opt-2.pyc")
    assert stale({"a/app.py": b"x = 2\n", f"a/{optimized}": pyc}) == {f"a/{optimized}"}


@pytest.mark.parametrize("mode", [MODES.CHECKED_HASH, MODES.TIMESTAMP])
def test_what_python_compares_by_itself_is_left_to_it(tmp_path: Path, mode: MODES) -> None:
    assert stale({"app.py": b"x = 2\n", CACHED: compiled(tmp_path, mode)}) == set()


@pytest.mark.parametrize("source", [{"app.py": b"x = 1\n"}, {"other.py": b""}, {"app.py/x": b""}])
def test_bytecode_of_its_source_or_without_one_is_not(tmp_path: Path, source: dict[str, bytes]) -> None:
    assert stale({CACHED: compiled(tmp_path, MODES.UNCHECKED_HASH), **source}) == set()


def test_bytecode_beside_its_source_is_not_read_and_what_is_cut_off_is_none(tmp_path: Path) -> None:
    pyc = compiled(tmp_path, MODES.UNCHECKED_HASH)
    assert stale({"app.py": b"x = 2\n", "app.pyc": pyc, CACHED: pyc[:9]}) == set()


def test_stale_bytecode_is_dropped_with_its_reason_and_said() -> None:
    whole = chosen(package("app.py", "__pycache__/app.cpython-311.pyc"), evidence("app.py"))
    assert drop_stale(whole, ()) is whole
    found = drop_stale(whole, {"__pycache__/app.cpython-311.pyc"})
    assert found.decisions["__pycache__/app.cpython-311.pyc"].reason is Reason.STALE
    assert list(found.kept()) == ["__pycache__", "app.py"]
    assert "source was changed since" in found.warnings[-1]
