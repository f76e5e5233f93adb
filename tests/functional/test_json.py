"""``--output json``: what each command really writes fits docs/output.schema.json."""

import json

import jsonschema
import pytest

from tests import json_schema
from tests.functional.project import FILES

VALIDATOR = jsonschema.Draft202012Validator(json.loads(json_schema.FILE.read_text()))


def fits(done, kind):
    """The output of a command fits the schema, and just the part of it that is for the command."""
    document = done.json
    VALIDATOR.validate(document)
    part = {"$ref": f"#/$defs/{kind}", "$defs": json_schema.schema()["$defs"]}
    jsonschema.Draft202012Validator(part).validate(document)
    return document


def test_the_schema_is_that_of_the_reports():
    assert json_schema.FILE.read_text() == json_schema.text(), "run python -m tests.json_schema"


def test_each_command_of_the_loop_writes_what_the_schema_says(project):
    def answer(*arguments):
        return project.ldeploy(*arguments, "--output", "json")

    fits(answer("doctor", "f", "--bucket", "packages"), "DoctorReport")
    fits(answer("doctor", "--package", "build"), "DoctorReport")
    assert fits(project.probe("--plan"), "ProbeReport")["effect"]
    fits(project.probe("--invoke", "events"), "ProbeReport")
    fits(answer("status", "f"), "StatusReport")
    assert fits(project.shrink("--plan"), "ShrinkReport")["state"] == "planned"
    fits(project.shrink("--guard", "inside"), "ShrinkReport")
    fits(answer("status", "f"), "StatusReport")
    fits(answer("why", "f", "*.py"), "WhyReport")
    fits(answer("report", "f"), "ShrinkReport")
    fits(answer("report", "f", "--markdown"), "CommentReport")
    fits(answer("invoke", "f", "events"), "InvokeReport")
    fits(answer("deploy", "f", "--package", "build"), "ShrinkReport")
    fits(answer("clean", "f", "--plan"), "CleanReport")
    fits(answer("apply", ".ldeploy/f/whitelist.json", "build"), "ApplyReport")
    fits(answer("restore", "f"), "RestoreReport")


def test_a_trace_writes_what_a_shrink_does(project):
    given = ("--package", "build", "--handler", "app.handler", "--events", "events")
    fits(project.unattended("trace", *given, "--output", "json"), "ShrinkReport")


@pytest.mark.parametrize("arguments", [("status", "f"), ("status",), ("shrink", "f", "--since", "never", "--yes")])
def test_errors_are_one_object_too(project, arguments):
    done = project.unattended(*arguments, "--output", "json")
    assert VALIDATOR.is_valid(done.json)
    assert done.json["error"]["code"] == done.code != 0


def test_what_is_not_in_the_schema_does_not_fit(project):
    project.cloud.create("f", FILES)
    document = project.ldeploy("doctor", "f", "--bucket", "packages", "--output", "json").json
    assert not VALIDATOR.is_valid({**document, "new": 1})
    assert not VALIDATOR.is_valid({name: value for name, value in document.items() if name != "checks"})
