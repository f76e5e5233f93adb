"""Where the suite's functions run."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.local.sandbox.instance import Limits
from tests.functional.local_aws import Cloud, cloud
from tests.functional.probe_host import STRACE
from tests.functional.suite.judge import Embedded, Folders
from tests.images import CHOSEN, TWIN, under


@pytest.fixture(autouse=True)
def _tools() -> None:
    for tool in () if CHOSEN else ("strace", "cc"):  # an image has its own strace, and what is for it another compiler
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Path]]:
    """An embedded AWS whose every sandbox runs under strace, and where the traces lie."""
    traces = tmp_path_factory.mktemp("traces")
    prefix = under([*STRACE, "{sandbox}/trace"])
    with cloud(settle=0, prefix=prefix, traces=traces, limits=Limits(start_up=30 if TWIN else 4)) as here:
        yield here, traces


@pytest.fixture
def embedded(traced: tuple[Cloud, Path], tmp_path: Path) -> Embedded:
    """A function of that AWS."""
    return Embedded(*traced, tmp_path, f"f-{uuid.uuid4().hex[:8]}")


@pytest.fixture(params=["embedded"] if CHOSEN else ["folders", "embedded"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Folders | Embedded:
    """The one and the other."""
    return Folders(tmp_path) if request.param == "folders" else request.getfixturevalue("embedded")
