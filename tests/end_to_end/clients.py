"""The real clients of deploy tools, each installed once in a place of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.kept import PIP, once

PYTHON: Final = {
    "sam": "aws-sam-cli==1.170.0",
    "aws": "awscli==1.46.3",
    "chalice": "chalice==1.34.0",
    "zappa": "zappa==0.63.0",
}
NODE: Final = {"cdk": "aws-cdk@2.1148.1", "serverless": "serverless@3.40.0"}


def client(name: str) -> Path:
    """Return the folder with a client's command; a test that wants one that cannot be installed is skipped."""
    pin = {**PYTHON, **NODE}[name]
    if name in NODE and shutil.which("npm") is None:
        pytest.skip(f"npm, which installs {pin}, is not here")
    try:
        return once(name, [pin], _npm(pin) if name in NODE else _pip(pin)) / (
            "node_modules/.bin" if name in NODE else "bin"
        )
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{pin} cannot be installed here: {error}")


def _pip(pin: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([str(folder / "bin/python"), *PIP[1:], "--no-compile", pin, "setuptools<81"], check=True)

    return install


def _npm(pin: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), pin]
        subprocess.run(command, check=True, timeout=300)

    return install
