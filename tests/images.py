"""The root file systems of ``scripts/images``: tests that want one are skipped where it is not there."""

import os

import pytest

from deployer.models.image import RootImage, images_folder, kept_image

NAMES = ("python3.9-x86_64", "python3.11-x86_64", "python3.13-x86_64", "python3.14-x86_64")
"""Those that run on their own; the same as in ``scripts/images.py``."""
EMULATED = ("python3.11-arm64", "python3.13-arm64")
CHOSEN = os.environ.get("LDEPLOY_TEST_IMAGE", "")
"""The image that every function of a run's tests runs on; empty for this machine's own Python."""


def find(name: str) -> RootImage:
    """Return an image; skip the test where it was not made."""
    runtime, _, architecture = name.partition("-")
    image = kept_image(runtime, "arm64" if architecture == "arm64" else "x86_64")
    if image is None:
        pytest.skip(f"no image {name} in {images_folder()}: run scripts/images")
    return image


def each(*names: str) -> pytest.MarkDecorator:
    """Give a test the name of each image, one after another, as ``name``."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.images) for name in names])
