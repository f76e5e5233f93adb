"""The whole loop on real functions, with strace as the judge of what they need."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.functional.local_aws import ROLE, cloud
from tests.functional.probe_host import STRACE, named
from tests.functional.project import Project

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace, the judge, is not installed"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"
RUNTIME = f"python3.{sys.version_info.minor}"
LOOKED_AT_ONLY = {"tiles": "rasterio/gdal_data/gdalvrt.xsd"}


@pytest.fixture
def traced(tmp_path, monkeypatch, capsys):
    """A user whose every sandbox runs under strace."""
    with cloud(settle=0, prefix=(*STRACE, "{sandbox}/trace"), traces=tmp_path / "traces") as here:
        for name, value in here.aws.environment({}).items():
            monkeypatch.setenv(name, value)
        (tmp_path / "project").mkdir()
        monkeypatch.chdir(tmp_path / "project")
        yield Project(here, tmp_path / "project", capsys)


def seen_by_strace(traces, package):
    """The package's files that any sandbox touched by name, with success."""
    root = Path("/var/task")
    inside = (path for traced in traces.iterdir() for path in named(traced, root) if path.is_relative_to(root))
    paths = {path.relative_to(root) for path in inside}
    return {str(path) for path in paths if (package / path).is_file()}


def answers(traced, events):
    """What the function answers to each event."""
    return {event.name: traced.cloud.invoke("f", json.loads(event.read_text())).value for event in events.iterdir()}


@pytest.mark.parametrize("name", ["tiles", pytest.param("sk", marks=pytest.mark.slow("a package of 300 MB"))])
def test_every_file_that_strace_sees_is_in_the_slim_package(name, example, traced):
    events = EXAMPLES / name / "events"
    create = ("--create", "--role", ROLE, "--handler", "app.handler", "--runtime", RUNTIME)
    sizes = ("--memory", "2048", "--timeout", "300")
    probed = traced.ldeploy(
        "probe", "f", "--package", str(example), "--resolve-s3", *create, *sizes, "--invoke", str(events)
    )
    assert probed.code == 0, probed.err
    full = answers(traced, events)
    needed = seen_by_strace(traced.folder.parent / "traces", example)
    shrunk = traced.ldeploy("shrink", "f", "--from-logs")
    assert shrunk.code == 0, shrunk.err
    assert needed - traced.deployed() == set()
    assert len(needed) > 300
    assert LOOKED_AT_ONLY.get(name, "app.py") in needed
    assert answers(traced, events) == full
    assert "errorMessage" not in json.dumps(full)
