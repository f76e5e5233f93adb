"""What tests with the real tools share."""

import subprocess
import sys
from pathlib import Path

import pytest

from examples.build import build
from tests.functional.conftest import project
from tests.kept import KEPT, PIP, once

__all__ = ["project"]

SAM = "aws-sam-cli==1.170.0"


@pytest.fixture(scope="session")
def sam() -> Path:
    """Return SAM's command line, apart from what we are installed with."""

    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([str(folder / "bin/python"), *PIP[1:], "--no-compile", SAM], check=True)

    return once("sam", [SAM], install) / "bin/sam"


@pytest.fixture
def example(name: str) -> Path:
    """Return the full package of the example that a test asks for by ``name``."""
    return build(name, KEPT.with_name("examples") / name)
