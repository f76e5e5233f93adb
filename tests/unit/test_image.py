"""Root file systems: what an interpreter's header tells, and how it is run where it lies."""

from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.models.image import images_folder, kept_image, read_image

HEADERS = {"x86_64": 62, "arm64": 183, "riscv64": 243}


def lay(folder: Path, architecture: str = "x86_64", runtime: str = "python3.13") -> Path:
    """An interpreter's header."""
    program = folder / "var/lang/bin" / runtime
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(11) + HEADERS[architecture].to_bytes(2, "little"))
    return folder


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_interpreter_tells_the_architecture(tmp_path: Path, architecture: str) -> None:
    image = read_image("python3.13", lay(tmp_path, architecture))
    assert (image.runtime, image.architecture, image.folder) == ("python3.13", architecture, tmp_path)


@pytest.mark.parametrize("runtime", ["nodejs22.x", "python3", "../python3.13"])
def test_only_pythons_have_images(tmp_path: Path, runtime: str) -> None:
    with pytest.raises(UsageError, match="is not a runtime that an image can be given for"):
        read_image(runtime, tmp_path)


def test_what_is_no_image_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no var/lang/bin/python3\.13: No such file"):
        read_image("python3.13", tmp_path)
    with pytest.raises(UsageError, match="is not a program for x86_64 or arm64"):
        read_image("python3.13", lay(tmp_path, "riscv64"))
    (tmp_path / "var/lang/bin/python3.13").write_text("#!/bin/sh\n")
    with pytest.raises(UsageError, match="is not a program for x86_64 or arm64"):
        read_image("python3.13", tmp_path)


def test_the_images_own_loader_runs_its_interpreter(tmp_path: Path) -> None:
    image = read_image("python3.13", lay(tmp_path))
    debians = tmp_path / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    loader, option, libraries, program = image.command()
    assert loader == str(tmp_path / "lib64/ld-linux-x86-64.so.2")
    assert option == "--library-path"
    assert str(tmp_path / "usr/lib/x86_64-linux-gnu") in libraries.split(":")
    assert program == str(tmp_path / "var/lang/bin/python3.13")
    debians.parent.mkdir(parents=True)
    debians.touch()
    assert image.command()[0] == str(debians)


def test_images_are_kept_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LDEPLOY_IMAGES", raising=False)
    assert images_folder() == tmp_path / "ldeploy/images"
    monkeypatch.setenv("LDEPLOY_IMAGES", str(tmp_path / "mine"))
    assert kept_image("python3.13", "x86_64") is None
    lay(tmp_path / "mine/python3.13-x86_64")
    image = kept_image("python3.13", "x86_64")
    assert image
    assert image.folder == tmp_path / "mine/python3.13-x86_64"
