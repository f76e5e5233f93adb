"""Libraries of wheels for arm64, trimmed, are loaded as before, with both of that architecture's page sizes."""

import shutil
from pathlib import Path

import pytest

from tests.images import each, find
from tests.kept import installed
from tests.libraries import copy_trimmed, load_each

WHEELS = ("cffi==2.0.0", "cryptography==45.0.5", "pillow==11.3.0", "shapely==2.1.2", "numpy==2.3.5")
PLATFORMS = ("--platform=manylinux2014_aarch64", "--platform=manylinux_2_28_aarch64")
EMULATOR = "qemu-aarch64-static"
pytestmark = [
    pytest.mark.network,
    pytest.mark.slow("emulated, ten times as long"),
    pytest.mark.skipif(shutil.which(EMULATOR) is None, reason=f"{EMULATOR} is not installed"),
]


@each("python3.13-arm64")
@pytest.mark.parametrize("page", [4096, 65536])
def test_each_library_is_loaded_as_before(name: str, page: int, tmp_path: Path) -> None:
    image = find(name)
    version = f"--python-version={image.runtime.removeprefix('python')}"
    wheels = installed(WHEELS, "--no-deps", "--only-binary=:all:", *PLATFORMS, version)
    trimmed = tmp_path / "trimmed"
    left_alone = copy_trimmed(wheels, trimmed)
    python = (EMULATOR, "-p", str(page), "-L", str(image.folder), str(image.folder / "var/lang/bin" / image.runtime))
    as_before = load_each(wheels, python)
    assert list(as_before.values()).count("loaded") > 30
    assert load_each(trimmed, python) == as_before
    assert sum(not reason for reason in left_alone.values()) > 30
