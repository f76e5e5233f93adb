"""The root file systems of ``scripts/images``: tests that want one are skipped where it is not there.

``scripts/test --images`` runs tests once for each image, with ``LDEPLOY_TEST_IMAGE``: then every function that they
make runs on that image, and what they compile is compiled for it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from deployer.models.image import Architecture, RootImage, images_folder, kept_image

NAMES: Final = ("python3.9-x86_64", "python3.11-x86_64", "python3.13-x86_64", "python3.14-x86_64")
"""Those that run on their own; the same as in ``scripts/images.py``."""
EMULATED: Final = ("python3.11-arm64", "python3.13-arm64")
MACHINES: Final = {"x86_64": "x86_64", "arm64": "aarch64"}
GLIBC: Final = "2.28"
"""What is compiled for an image asks for no newer C library than this."""


def find(name: str) -> RootImage:
    """Return an image; skip the test where it was not made."""
    image = _kept(name)
    if image is None:
        pytest.skip(f"no image {name} in {images_folder()}: run scripts/images")
    return image


def _kept(name: str) -> RootImage | None:
    runtime, _, architecture = name.partition("-")
    return kept_image(runtime, "arm64" if architecture == "arm64" else "x86_64")


def each(*names: str) -> pytest.MarkDecorator:
    """Give a test the name of each image, one after another, as ``name``."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.images) for name in names])


def _chosen() -> RootImage | None:
    name = os.environ.get("LDEPLOY_TEST_IMAGE")
    if name and not (image := _kept(name)):
        raise SystemExit(f"no image {name} in {images_folder()}: run scripts/images")
    return image if name else None


CHOSEN: Final = _chosen()
"""The image that this run's functions run on; None for this machine's own Python."""
ARCHITECTURE: Final[Architecture] = CHOSEN.architecture if CHOSEN else "x86_64"
TWIN: Final = kept_image(CHOSEN.runtime, "x86_64") if CHOSEN and CHOSEN.architecture == "arm64" else None
"""The same Python for x86_64, where an arm64 one is emulated: strace, the judge, sees nothing through an emulator."""


def chosen_images() -> list[RootImage]:
    """Return what the embedded AWS of a test is given."""
    return [image for image in (CHOSEN, TWIN) if image]


def compile_c(arguments: Sequence[str], architecture: Architecture = ARCHITECTURE, **how: Any) -> None:
    """Compile as ``cc`` does; for the image that is chosen, where there is one.

    Args:
        arguments: the compiler's.
        architecture: of the image.
        how: as for ``subprocess.run``.
    """
    command = ["cc"]
    if CHOSEN:
        libc = "musl" if "-static" in arguments else f"gnu.{GLIBC}"
        target = f"{MACHINES[architecture]}-linux-{libc}"
        python = ["-DPy_LIMITED_API=0x03090000", "-fno-sanitize=all", "-O1"]
        start = ["-include", str(Path(__file__).with_name("crti.h"))] if "-shared" in arguments else []
        command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *python, *start]
    cache = str(Path(__file__).parents[1] / "build/zig")
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    subprocess.run([*command, *arguments], check=True, env=environment, **how)


def wheels_options() -> list[str]:
    """Return what makes pip install for the image."""
    if not CHOSEN:
        return []
    platforms = [f"--platform=manylinux{name}_{MACHINES[ARCHITECTURE]}" for name in ("2014", "_2_17", "_2_28")]
    version = json.loads((CHOSEN.folder / "image.json").read_text())["python"].partition("-")[0]
    return [*platforms, f"--python-version={version}"]  # 3.9 alone would be 3.9.0, which some wheels are not for


UNEMULATED: Final = """
case $(uname -m) in
  aarch64) for last; do :; done; exec "$last" ;;
  *) exec "$@" ;;
esac
"""


def under(judge: Sequence[str]) -> tuple[str, ...]:
    """Return a prefix that starts a runtime under strace where that works: not in an emulator, which has no ptrace."""
    return ("/bin/sh", "-c", UNEMULATED, "sh", *judge) if ARCHITECTURE == "arm64" else tuple(judge)
