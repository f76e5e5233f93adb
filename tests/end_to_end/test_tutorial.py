"""The tutorial, run as it is written: on the embedded AWS, in a shell, one block after the other."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.local import LocalAws

pytestmark = pytest.mark.network

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list[str]:
    return [re.sub(r"^\$ ", "", block, flags=re.MULTILINE) for block in BLOCK.findall(TUTORIAL.read_text())]


def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    with LocalAws() as here:
        said = _run(blocks(), here.environment(), tmp_path)
    _, probed, shrunk, missed, back = said
    assert "1 event sent, 0 failed" in probed
    assert "the slim package is deployed" in shrunk
    assert re.search(r"region_DE\.py.*\n.*kept", shrunk), shrunk
    assert re.search(r"region_FR\.py.*\n.*dropped", shrunk), shrunk
    assert "+33 1 23 45 67 89" in missed
    assert re.search(r"region_FR\.py.*\n.*kept", missed), missed
    assert "as before the probe" in back


def _run(parts: list[str], environment: dict[str, str], folder: Path) -> list[str]:
    """Return what each block said, in one shell as a reader's."""
    script = "set -euo pipefail\n" + "\necho ==cut==\n".join(parts)
    found = {name: value for name, value in environment.items() if not name.startswith("LDEPLOY_")}
    found["PATH"] = f"{Path(sys.executable).parent}:{found['PATH']}"
    ran = subprocess.run(["bash", "-c", script], cwd=folder, env=found, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.split("==cut==\n")
