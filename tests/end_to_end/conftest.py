"""What tests with the real tools share."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

SAM = "aws-sam-cli==1.170.0"


@pytest.fixture(scope="session")
def sam(pytestconfig: pytest.Config) -> Path:
    """SAM's command line, apart from what we are installed with; kept in pytest's cache folder."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("sam")
    installed = folder / SAM
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder / "venv"], check=True)
            pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, SAM], check=True)
            installed.touch()
    return folder / "venv/bin/sam"
