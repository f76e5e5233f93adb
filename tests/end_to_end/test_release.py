"""The wheel, installed without extras into an empty environment: each command runs, or says what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow("builds the wheel and an environment for it")]

ROOT = Path(__file__).parents[2]
ON_A_FUNCTION = (
    ("probe", "f", "--package", "build", "--yes"),
    ("shrink", "f", "--yes"),
    ("deploy", "f", "--package", "build", "--yes"),
    ("restore", "f", "--yes"),
    ("clean", "f", "--yes"),
    ("status", "f"),
    ("doctor", "f"),
    ("invoke", "f", "events"),
    ("shift", "status", "f"),
)

TRACE = ("trace", "--package", "build", "--handler", "app.handler", "--events", "events")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``ldeploy`` of an environment that holds the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("release")
    pip = (sys.executable, "-m", "pip")
    _run([*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT])
    _run([sys.executable, "-m", "venv", folder / "venv"])
    wheel, *_ = folder.glob("*.whl")
    inside = folder / "venv/bin/python"
    _run([inside, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel])
    return folder / "venv/bin/ldeploy"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"build/app.py": "def handler(event, context): return 1\n", "events/one.json": "{}"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _run(command: list[object]) -> None:
    subprocess.run([str(part) for part in command], check=True)


def _said(ldeploy: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it with no AWS, no region and no credentials."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run([ldeploy, *arguments], cwd=folder, env=bare, capture_output=True, text=True, check=False)


def test_the_help_and_the_version_are_there(installed, folder):
    assert _said(installed, folder, "--help").returncode == 0
    assert _said(installed, folder, "-V").stdout.startswith("ldeploy, version ")


@pytest.mark.parametrize("command", ON_A_FUNCTION, ids=lambda command: command[0])
def test_without_aws_a_command_says_what_is_missing(installed, folder, command):
    done = _said(installed, folder, *command)
    assert done.returncode in {1, 2}
    assert "region" in done.stderr.lower()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command", [("local", "start"), ("trace", "--package", "build", "--handler", "app.handler", "--events", "events")]
)
def test_what_needs_the_local_extra_says_so(installed, folder, command):
    done = _said(installed, folder, *command)
    assert done.returncode in {1, 2}
    assert "local" in done.stderr
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr
