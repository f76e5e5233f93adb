"""The house: arrows between modules run one way, and modules stay small enough to live in."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for folder in ("deployer", "probe_layer") for path in (ROOT / folder).rglob("*.py"))


def test_arrows_between_modules_run_one_way():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_of_a_size_to_be_read_at_once(module):
    assert len(module.read_text().splitlines()) <= 300


def test_only_one_module_imports_boto3():
    found = {path.relative_to(ROOT).as_posix() for path in MODULES if "import boto3" in path.read_text()}
    assert found == {"deployer/aws/clients.py"}
