"""Small functions on real wheels: after ``shrink`` they answer as before, and nothing that strace saw is missing."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.functional.local_aws import cloud
from tests.functional.probe_host import STRACE, named
from tests.functional.project import CREATE, Project, write
from tests.functional.suite.judge import told
from tests.functional.witnesses import count
from tests.images import CHOSEN, TWIN, under, wheels_options
from tests.kept import installed

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(not (CHOSEN or shutil.which("strace")), reason="strace, the judge, is not installed"),
]
FUNCTIONS = Path(__file__).parent / "functions"
IMAGES = ("calendar_data", "countries", "images", "secrets", "templates")
"""Of the functions, those whose wheels there are for every image."""
EMULATED = ("images", "secrets", "templates")
"""Of these, those that take no more than a minute or two in an emulator."""
OFTEN = ("countries", "secrets", "templates", "video")
"""Of each kind one: data that is looked up, compiled code, folders that are browsed, a program that is executed."""
SLOW = pytest.mark.slow("one more function of the same kinds")


def constants(source: str) -> dict[str, Any]:
    """What a function's file says of itself: REQUIREMENTS, EVENTS, and perhaps FILES and FAULTS."""
    assigned = (node for node in ast.parse(source).body if isinstance(node, ast.Assign))
    named = ((node.targets[0].id, node.value) for node in assigned if isinstance(node.targets[0], ast.Name))
    return {
        name: ast.literal_eval(value) for name, value in named if name in {"REQUIREMENTS", "EVENTS", "FILES", "FAULTS"}
    }


def cases() -> list[Any]:
    """Return the names of all functions, those that run with --all only marked."""
    names = sorted(file.stem for file in FUNCTIONS.glob("*.py"))
    if CHOSEN:
        return list(EMULATED if TWIN else IMAGES)
    return [name if name in OFTEN else pytest.param(name, marks=SLOW) for name in names]


@pytest.fixture(params=cases())
def function(request, tmp_path):
    """Return a function's package, its wheels installed once; and what its file says of it."""
    source = (FUNCTIONS / f"{request.param}.py").read_text()
    said = constants(source)
    package = tmp_path / "package"
    shutil.copytree(installed(said["REQUIREMENTS"], "--only-binary=:all:", *wheels_options()), package, symlinks=True)
    write(package, {"app.py": source, **said.get("FILES", {})})
    return package, said


@pytest.fixture
def traced(tmp_path, monkeypatch, capsys):
    """A user whose every sandbox runs under strace."""
    with cloud(settle=0, prefix=under([*STRACE, "{sandbox}/trace"]), traces=tmp_path / "traces") as here:
        for name, value in here.aws.environment({}).items():
            monkeypatch.setenv(name, value)
        (tmp_path / "project").mkdir()
        monkeypatch.chdir(tmp_path / "project")
        yield Project(here, tmp_path / "project", capsys)


def seen_by_strace(traces: Path, package: Path) -> set[str]:
    """The package's files that any sandbox touched by name, with success."""
    root = Path("/var/task")
    inside = (path for traced in traces.iterdir() for path in named(traced, root) if path.is_relative_to(root))
    paths = {path.relative_to(root) for path in inside}
    return {str(path) for path in paths if (package / path).is_file()}


def answers(traced: Project, events: list[Any]) -> list[Any]:
    return [traced.cloud.invoke("f", event).value for event in events]


def test_the_answers_are_the_same_and_nothing_is_missing(function, traced):
    package, said = function
    sizes = ("--memory", "1024", "--timeout", "600" if TWIN else "120")
    probed = traced.ldeploy("probe", "f", "--package", str(package), "--resolve-s3", *CREATE, *sizes)
    assert probed.code == 0, probed.err
    full = answers(traced, said["EVENTS"])
    assert "errorType" not in json.dumps(full), full
    needed = seen_by_strace(traced.folder.parent / "traces", package)
    label = traced.configuration()["Environment"]["Variables"]["LDEPLOY_PACKAGE"]
    evidence = told(traced.cloud.messages("f"), label)
    count(needed, evidence)
    shrunk = traced.ldeploy("shrink", "f", "--from-logs", "--output", "json")
    assert shrunk.code == 0, shrunk.err
    files = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert needed or TWIN  # strace sees nothing through an emulator
    assert "No bytecode was added" not in shrunk.out
    assert needed - traced.deployed() == set()
    assert traced.deployed() <= files
    # Around a program whose own system calls nobody sees, all is kept.
    assert traced.deployed() < files or said.get("FAULTS") == ["shim-static"]
    assert answers(traced, said["EVENTS"]) == full
    assert list(evidence.faults) == said.get("FAULTS", [])
    assert traced.ldeploy("restore", "f").code == 0
    assert traced.configuration() == traced.configuration("1")
