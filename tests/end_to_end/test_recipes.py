"""The pages of docs/tools, run by the real clients: what ``status`` says is what they say."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.clients import client
from tests.functional.local_aws import RUNTIME, cloud

PAGES = Path(__file__).parents[2] / "docs" / "tools"
WANTS = {
    "sam": ("sam",),
    "aws-cli": ("aws",),
    "chalice": ("chalice", "sam"),
}
SMOKE = ("sam", "aws-cli", "chalice")
FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```bash\n(.*?)^```$(.*?)(?=^```|\Z)", re.MULTILINE | re.DOTALL)
SAYS = re.compile(r"says \*(.+?)\*", re.DOTALL)

pytestmark = [pytest.mark.network, pytest.mark.timeout(900)]


def pages() -> list[object]:
    """The pages whose commands can be run here."""
    return [pytest.param(name, marks=pytest.mark.tools(name, smoke=name in SMOKE)) for name in WANTS]


def steps(page: str) -> Iterator[tuple[str, str]]:
    """Each block of commands, and what ``status`` says at its end."""
    for block in BLOCK.finditer(page):
        said = SAYS.search(block[2])
        yield block[1], " ".join(said[1].split()) if said else ""


@pytest.mark.parametrize("name", pages())
def test_a_recipe_does_what_its_page_says(name, tmp_path):
    page = (PAGES / f"{name}.md").read_text().replace("python3.11", RUNTIME)
    for path, text in FILE.findall(page):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    folders = [Path(sys.executable).parent, *(client(one) for one in WANTS[name])]
    with cloud(settle=0) as here:
        search = ":".join([*map(str, folders), os.environ["PATH"]])
        plain = {"PATH": search, "HOME": str(tmp_path), "SAM_CLI_TELEMETRY": "0", "COLUMNS": "500"}
        variables = here.aws.environment({**os.environ, **plain})
        del variables["LDEPLOY_GUARD"]  # as a user has it
        for commands, said in steps(page):
            script = ["bash", "-euo", "pipefail", "-c", commands]
            done = subprocess.run(script, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            assert said in " ".join(done.stdout.split()), f"{commands}\n{done.stdout[-3000:]}"
        assert here.functions.list_functions()["Functions"] == []


def test_every_page_is_run_or_says_why_not():
    unrun = {page.stem for page in PAGES.glob("*.md")} - WANTS.keys()
    assert all("No test runs this page" in (PAGES / f"{name}.md").read_text() for name in unrun)
    assert WANTS.keys() <= {page.stem for page in PAGES.glob("*.md")}
