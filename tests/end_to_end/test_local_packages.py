"""A real package with compiled code in the embedded AWS's sandbox, and the same sandbox under strace."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.local_aws import Cloud, cloud
from tests.kept import installed, once

pytestmark = pytest.mark.network

REQUIREMENT = "numpy==2.2.6"
SOURCE = """
import numpy

def handler(event, context):
    return {"det": round(float(numpy.linalg.det(numpy.array(event))), 6), "file": numpy.__file__}
"""


@pytest.fixture(scope="module")
def package() -> bytes:
    """Return numpy and a handler, zipped."""
    numpy = installed([REQUIREMENT])

    def build(folder: Path) -> None:
        with zipfile.ZipFile(folder / "numpy.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("app.py", SOURCE)
            for path in sorted(numpy.rglob("*")):
                archive.write(path, path.relative_to(numpy))

    return (once("numpy", [REQUIREMENT, SOURCE], build) / "numpy.zip").read_bytes()


@pytest.fixture
def here(package: bytes) -> Iterator[Cloud]:
    with cloud() as made:
        upload(made, package)
        yield made


def upload(made: Cloud, package: bytes) -> None:
    made.storage.create_bucket(Bucket="packages")
    made.storage.put_object(Bucket="packages", Key="numpy.zip", Body=package)
    made.create("numpy", "", Code={"S3Bucket": "packages", "S3Key": "numpy.zip"}, Timeout=60, MemorySize=512)


def test_a_package_with_compiled_code_runs(here: Cloud) -> None:
    value = here.invoke("numpy", [[1, 2], [3, 4]]).value
    assert value == {"det": -2.0, "file": "/var/task/numpy/__init__.py"}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_strace_sees_the_very_same_sandbox(package: bytes, tmp_path: Path) -> None:
    prefix = ("strace", "-f", "-qq", "-e", "trace=file,execve", "-o", "{sandbox}/trace")
    with cloud(prefix=prefix, traces=tmp_path) as made:
        upload(made, package)
        assert [made.invoke("numpy", [[1, 2], [3, 4]]).error for _ in range(2)] == [None, None]
        (trace,) = tmp_path.glob("*/trace")
    text = trace.read_text()
    assert "/var/task/numpy/linalg/_umath_linalg" in text
    assert 'execve("/var/runtime/bootstrap"' in text
