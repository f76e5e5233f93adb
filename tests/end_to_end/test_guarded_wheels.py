"""Functions on real wheels that were probed with one kind of event: with the guard every other kind answers right."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probe_layer.guard.line import Line, decode
from tests.end_to_end.test_real_wheels import FUNCTIONS, constants
from tests.functional.local_aws import ROLE, RUNTIME
from tests.functional.project import Project, write
from tests.kept import installed

pytestmark = [pytest.mark.network, pytest.mark.timeout(1200)]
GUARDED = Path(__file__).parent / "guarded"
"""More functions, whose kinds of event need different files."""
OFTEN = {"highlight": "s3", "languages": "inside", "schemas": "s3", "video": "inside"}
"""Of each kind one: plugins by name, data and catalogues, what C opens, a program that is executed."""
SELDOM = {"highlight", "video"}
"""Of those, which run with --all only."""
SLOW = pytest.mark.slow("one more function of the same kinds")
SIZES = ("--memory", "1024", "--timeout", "120")


def cases() -> Iterator[Any]:
    """Yield each function with each way to guard it; those that run with --guarded only are marked."""
    for file in sorted([*FUNCTIONS.glob("*.py"), *GUARDED.glob("*.py")], key=lambda each: each.stem):
        for mode in ("inside", "s3"):
            often = OFTEN.get(file.stem) == mode
            marks = ([SLOW] if file.stem in SELDOM else []) if often else [pytest.mark.guarded]
            yield pytest.param(file, mode, id=f"{file.stem}-{mode}", marks=marks)


def probed_package(file: Path, project: Project) -> list[Any]:
    """Probe a function of a file with the first of its events; return the others."""
    source = file.read_text()
    said = constants(source)
    package = project.folder / "package"
    shutil.copytree(installed(said["REQUIREMENTS"], "--only-binary=:all:"), package, symlinks=True)
    write(package, {"app.py": source, **said.get("FILES", {})})
    create = ("--create", "--role", ROLE, "--handler", "app.handler", "--runtime", RUNTIME)
    probed = project.ldeploy("probe", "f", "--package", str(package), "--resolve-s3", *create, *SIZES)
    assert probed.code == 0, probed.err
    events: list[Any] = said["EVENTS"]
    first, *others = events
    assert "errorType" not in json.dumps(project.cloud.invoke("f", first).value)
    return others


def answers(project: Project, events: list[Any], version: str = "$LATEST") -> list[Any]:
    return [project.cloud.invoke("f", event, Qualifier=version).value for event in events]


def misses(project: Project) -> list[Line]:
    return [line for message in project.cloud.messages("f") if (line := decode(message))]


@pytest.mark.parametrize(("file", "mode"), list(cases()))
def test_every_other_kind_of_event_answers_right(file: Path, mode: str, project: Project) -> None:
    others = probed_package(file, project)
    full = answers(project, others, version="1")
    assert "errorType" not in json.dumps(full), full
    shrunk = project.shrink("--guard", mode)
    assert shrunk.code == 0, shrunk.err
    assert shrunk.json["guard"]["mode"] == mode
    assert answers(project, others) == full
    said = misses(project)
    assert not [line for line in said if line.fault or not line.served]
    again = project.shrink("--guard", mode)
    assert again.code == 0, again.err
    assert answers(project, others) == full
    assert misses(project)[len(said) :] == []
