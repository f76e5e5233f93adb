"""A package over the limit: what needs room is unpacked at start, what was dropped is guarded, by one wrapper."""

import pytest

from probe_layer.guard.line import decode
from tests.functional.project import Project, write
from tests.functional.test_oversize import HUGE, SLOW, project

__all__ = ["project"]
APP = """
import os

def handler(event, context):
    if event.get("do") == "lazy":
        import lazy
        return lazy.VALUE
    with open("data/huge.bin", "rb") as file:
        return [len(file.read(99)), os.path.getsize("data/huge.bin")]
"""


@pytest.mark.parametrize("mode", [pytest.param("inside", marks=SLOW), "s3"])
def test_a_package_that_is_unpacked_at_start_is_guarded_too(project: Project, mode: str) -> None:
    write(project.folder / "build", {"app.py": APP})
    assert project.probe().code == 0
    assert project.cloud.invoke("f").value == [99, HUGE]
    shrunk = project.shrink("--keep", "data/*", "--guard", mode)
    assert (shrunk.code, shrunk.json["state"]) == (0, "deployed"), shrunk.err
    assert "1 file of 267.1 MB did not fit" in " ".join(shrunk.json["warnings"])
    assert shrunk.json["guard"]["mode"] == mode
    assert project.cloud.invoke("f").value == [99, HUGE]
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    said = [line for message in project.cloud.messages("f") if (line := decode(message))]
    assert [(line.miss, line.served) for line in said] == [("lazy.py", True)]
