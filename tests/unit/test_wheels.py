"""Wheels that the function's runtime cannot load are named, with what installs others."""

import io
import zipfile

import pytest

from deployer.package import index
from deployer.package.wheels import check_wheels
from tests.unit.test_manifest import Memory


def told(*tags: str, runtime: str = "python3.11", architecture: str = "x86_64", files: tuple[str, ...] = ()) -> str:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("app.py", "")
        for name in files:
            archive.writestr(name, "")
        if tags:
            archive.writestr("n-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))
    source = Memory(stream.getvalue())
    return "\n".join(check_wheels(source, index(source), runtime, architecture))


@pytest.mark.parametrize(
    ("tags", "runtime"),
    [
        (["py3-none-any"], "python3.9"),
        (["py2.py3-none-any"], "python3.9"),
        (["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64"], "python3.11"),
        (["cp311-cp311-manylinux2014_x86_64.manylinux_2_28_x86_64"], "python3.11"),
        (["cp37-abi3-manylinux_2_26_x86_64"], "python3.11"),
        (["cp312-cp312-manylinux_2_34_x86_64"], "python3.12"),
        (["cp311-cp311-linux_x86_64"], "python3.11"),
        (["broken"], "python3.11"),
    ],
)
def test_wheels_that_fit(tags: list[str], runtime: str) -> None:
    assert told(*tags, runtime=runtime) == ""


@pytest.mark.parametrize(
    ("tag", "runtime", "architecture", "why"),
    [
        ("cp311-cp311-manylinux_2_28_x86_64", "python3.11", "x86_64", "built for glibc 2.28, and python3.11 has 2.26"),
        ("cp313-cp313-manylinux_2_39_aarch64", "python3.13", "arm64", "built for glibc 2.39, and python3.13 has 2.34"),
        ("cp312-cp312-manylinux2014_x86_64", "python3.11", "x86_64", "for Python 3.12, and the function's is 3.11"),
        ("cp312-abi3-manylinux2014_x86_64", "python3.11", "x86_64", "for Python 3.12, and the function's is 3.11"),
        (
            "cp311-cp311-manylinux2014_x86_64",
            "python3.11",
            "arm64",
            "for manylinux2014_x86_64, and the function runs",
        ),
        ("cp311-cp311-musllinux_1_2_x86_64", "python3.11", "x86_64", "for musllinux_1_2_x86_64, and the function runs"),
        ("cp311-cp311-macosx_11_0_arm64", "python3.11", "arm64", "for macosx_11_0_arm64, and the function runs on"),
        ("pp310-pypy310_pp73-any", "python3.10", "x86_64", "for pp310, and the function's is Python 3.10"),
    ],
)
def test_wheels_that_do_not(tag: str, runtime: str, architecture: str, why: str) -> None:
    text = told(tag, runtime=runtime, architecture=architecture)
    assert text.startswith(f"n 1.2 is {why}")
    assert f"--python-version {runtime.removeprefix('python')} " in text
    assert text.endswith("--target FOLDER n==1.2")


def test_without_metadata_the_names_of_extension_modules_tell() -> None:
    text = told(files=("n/_a.cpython-312-x86_64-linux-gnu.so", "n/_b.cpython-311-aarch64-linux-gnu.so"))
    assert text.startswith("n/_a.cpython-312-x86_64-linux-gnu.so and 1 more cannot be loaded by Python 3.11 on x86_64.")
    fits = ("n/_a.cpython-312-x86_64-linux-gnu.so", "n/_a.cpython-311-x86_64-linux-gnu.so", "n/_c.abi3.so")
    assert told(files=fits) == ""
