"""Bytecode is added that the function's Python takes; none runs in place of a source that was changed since."""

import io
import sys
import urllib.request
import zipfile
from typing import Final

import pytest

FILES: Final = {
    "app.py": """
        \'\'\'Doc.\'\'\'
        import sys, lib
        def handler(event, context):
            assert not event.get("strict"), "assertions are on"
            return [__debug__, __doc__, lib.TEXT, sys.flags.optimize]
    """,
    "lib.py": "TEXT = 'old'\n",
    "unused.py": "",
}
TAG: Final = sys.implementation.cache_tag


def shrunk(project, *options):
    assert project.ldeploy("probe", "f", "--bucket", "packages", "--yes").code == 0
    assert project.cloud.invoke("f").error is None
    assert project.ldeploy("shrink", "f", "--from-logs", "--yes", *options).code == 0


def code(project):
    """The zip that Lambda holds."""
    url = project.cloud.functions.get_function(FunctionName="f")["Code"]["Location"]
    with urllib.request.urlopen(url) as answer:
        return zipfile.ZipFile(io.BytesIO(answer.read()))


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ((), {"app.py", "lib.py", f"__pycache__/app.{TAG}.opt-2.pyc", f"__pycache__/lib.{TAG}.opt-2.pyc"}),
        (("--no-source",), {"app.pyc", "lib.pyc"}),
    ],
)
def test_assertions_stay_off_where_they_were_off(project, options, files):
    project.cloud.create("f", FILES, Environment={"Variables": {"PYTHONOPTIMIZE": "2"}})
    before = [project.cloud.invoke("f", event).value for event in ({}, {"strict": 1})]
    assert before == [[False, None, "old", 2]] * 2
    shrunk(project, *options)
    assert [project.cloud.invoke("f", event).value for event in ({}, {"strict": 1})] == before
    assert set(code(project).namelist()) == files


def test_a_source_that_is_edited_in_a_shrunk_function_is_the_one_that_runs(project):
    project.cloud.create("f", FILES)
    shrunk(project)
    edited = io.BytesIO()
    with code(project) as old, zipfile.ZipFile(edited, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry) if entry.filename != "lib.py" else "TEXT = 'new'\n")
    project.cloud.functions.update_function_code(FunctionName="f", ZipFile=edited.getvalue())
    project.cloud.settle("f")
    assert project.cloud.invoke("f").value[2] == "new"
