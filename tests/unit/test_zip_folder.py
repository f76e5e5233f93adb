"""A folder becomes a zip that holds the same; what would not work in Lambda is refused in words."""

import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from deployer.errors import PackageError
from deployer.models.package import Package
from deployer.package import folder as folder_module
from deployer.package import index, open_file, pack_folder


def indexed(path: Path) -> Package:
    with open_file(path) as source:
        return index(source)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A small build with one of each kind."""
    root = tmp_path / "build"
    for name, contents in {
        "app.py": b"1",
        "pkg/__pycache__/a.pyc": b"2" * 5_000,
        "pkg/random": os.urandom(999),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(contents)
    (root / "pkg/random").chmod(0o700)
    (root / "empty").mkdir()
    (root / "link").symlink_to("pkg/random")
    (root / "folder").symlink_to("pkg")
    return root


def test_a_folder_is_packed_as_it_is(build: Path, tmp_path: Path) -> None:
    pack_folder(build, tmp_path / "out.zip")
    package = indexed(tmp_path / "out.zip")
    assert list(package.entries) == [
        "app.py", "empty", "folder", "link", "pkg", "pkg/__pycache__", "pkg/__pycache__/a.pyc", "pkg/random",
    ]  # fmt: skip
    assert package.entries["pkg/random"].mode == 0o755
    assert (package.entries["pkg/random"].method, package.entries["pkg/__pycache__/a.pyc"].method) == (0, 8)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.read("pkg/random") == (build / "pkg/random").read_bytes()
        assert archive.read("folder") == b"pkg"


def test_a_folder_packed_twice_gives_the_same_bytes(build: Path, tmp_path: Path) -> None:
    pack_folder(build, tmp_path / "one.zip")
    os.utime(build / "app.py", (1, 1))
    pack_folder(build, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_name_that_is_not_utf8_is_packed_as_it_is(build: Path, tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(build) + b"/caf\xe9")).write_bytes(b"1")
    pack_folder(build, tmp_path / "out.zip")
    assert "caf\udce9" in indexed(tmp_path / "out.zip").entries


def test_packing_tells_how_far_it_is(build: Path, tmp_path: Path) -> None:
    done: list[int] = []
    pack_folder(build, tmp_path / "out.zip", done.append)
    assert sum(done) == sum(path.lstat().st_size for path in build.rglob("*") if not path.is_dir() or path.is_symlink())


@pytest.mark.parametrize("target", ["../outside", "/home/me/build/x", "pkg/../../x"])
def test_a_symlink_out_of_the_folder_is_refused(build: Path, tmp_path: Path, target: str) -> None:
    (build / "bad").symlink_to(target)
    with pytest.raises(PackageError, match="bad leads to"):
        pack_folder(build, tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_an_absolute_symlink_into_the_folder_itself_is_refused(build: Path, tmp_path: Path) -> None:
    (build / "bad").symlink_to(build / "app.py")
    with pytest.raises(PackageError, match="bad leads to"):
        pack_folder(build, tmp_path / "out.zip")


def test_a_socket_is_refused(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(build)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(PackageError, match="socket is neither file"):
            pack_folder(build, tmp_path / "out.zip")


def test_a_file_that_changes_meanwhile_is_refused(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = folder_module._spool

    def grown_meanwhile(place: Path, data: BinaryIO, pack: Callable[[bytes], bytes]) -> tuple[int, int]:
        result = spool(place, data, pack)
        with place.open("ab") as file:
            file.write(b"more")
        return result

    monkeypatch.setattr(folder_module, "_spool", grown_meanwhile)
    with pytest.raises(PackageError, match="was changed while"):
        pack_folder(build, tmp_path / "out.zip")


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "build/empty").mkdir(parents=True)
    with pytest.raises(PackageError, match="holds no files"):
        pack_folder(tmp_path / "build", tmp_path / "out.zip")


def test_the_zip_may_not_be_written_into_the_folder_itself(build: Path) -> None:
    with pytest.raises(PackageError, match="lies inside"):
        pack_folder(build, build / "out.zip")


def test_memory_does_not_grow_with_the_folder(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    with (tmp_path / "build/big").open("wb") as file:
        file.truncate(300 << 20)
    program = (
        "import sys; from pathlib import Path; from deployer.package import pack_folder;"
        "pack_folder(Path(sys.argv[1]), Path(sys.argv[2]));"
        # not ru_maxrss: that begins with what the parent had
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "build"), str(tmp_path / "out.zip")]
    peak = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert int(peak) < 150 << 10
