"""Files keep their dates on the way into Lambda: what a function answers from them stays the same."""

import io
import json
import zipfile
from typing import Final

import pytest

from tests.functional.local_aws import ROLE
from tests.functional.project import write
from tests.zips import packed

APP: Final = """
import io, os, zipfile
PATH = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "static/app.css")

def handler(event, context):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.write(PATH, "app.css")
    status = os.stat(PATH)
    tag = "%x-%x" % (int(status.st_mtime), status.st_size)
    return 304 if event.get("tag") == tag else tag
"""
FILES: Final = {"app.py": APP, "static/app.css": "a{color:red}", "unused.py": "x = 1\n"}
NEWER: Final = {**FILES, "static/app.css": "a{color:tan}"}


@pytest.fixture
def website(project):
    """A function in New York, made of a zip with dates, that answers by the date of a file."""
    project.cloud.create("f", FILES, Environment={"Variables": {"TZ": "America/New_York"}}, Role=ROLE)
    return project


def dated(files, date):
    """The zip of another day."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed(files))) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename, date), old.read(entry))
    return stream.getvalue()


def test_a_zips_dates_stay_through_probe_trial_and_deploy(website):
    write(website.folder / "answers", {"get.json": json.dumps({})})
    before = website.cloud.invoke("f")
    assert before.error is None
    probe = website.ldeploy("probe", "f", "--bucket", "packages", "--invoke", "answers", "--output", "json")
    assert (probe.code, website.cloud.invoke("f").value) == (0, before.value)
    assert website.shrink().code == 0
    assert website.cloud.invoke("f").value == before.value
    (website.folder / "two.zip").write_bytes(dated(NEWER, (2024, 6, 6, 7, 8, 10)))
    assert website.ldeploy("deploy", "f", "--package", "two.zip", "--bucket", "packages").code == 0
    assert website.cloud.invoke("f", {"tag": before.value}).value not in {304, before.value}


def test_a_folders_dates_follow_from_the_contents(website):
    tags: list[str] = []
    for files in (FILES, NEWER, NEWER):
        build = write(website.folder / f"build-{len(tags)}", files)
        website.ldeploy("probe", "f", "--package", str(build), "--bucket", "packages")
        tags.append(website.cloud.invoke("f").value)
    assert tags[0] != tags[1] == tags[2]
