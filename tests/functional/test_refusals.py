"""Bad input gets one clear sentence and the documented exit code, and nothing in AWS is changed."""

import json
import os

import pytest

from tests.functional.local_aws import ROLE
from tests.functional.project import CREATE, FILES, write
from tests.zips import packed

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer"


@pytest.fixture
def present(project):
    """A function that was there before ldeploy."""
    project.cloud.create("f", FILES)
    project.cloud.aws.faults.forget()
    return project


def refused(project, outcome, code, *words):
    """One sentence or two, that exit code, and no change."""
    assert outcome.code == code, outcome.err
    said = [line for line in outcome.err.splitlines() if line.startswith("ldeploy: ")]
    assert len(said) == 1
    assert all(word in said[0] for word in words), said
    assert "Traceback" not in outcome.err
    assert project.changes() == []


def test_a_function_that_is_not_there(project):
    refused(project, project.ldeploy("probe", "f", "--package", "build", "--bucket", "packages"), 1, "f", "--create")
    for command in (["shrink", "f", "--from-logs"], ["restore", "f"], ["status", "f"]):
        refused(project, project.ldeploy(*command), 1, "f")


def test_a_name_that_is_none(project):
    refused(project, project.ldeploy("status", "f:PROD"), 2, "f:PROD")


def test_no_bucket_and_a_bucket_that_is_not_there(present):
    refused(present, present.ldeploy("probe", "f"), 2, "--bucket")
    refused(present, present.ldeploy("probe", "f", "--bucket", "nowhere-at-all"), 1, "nowhere-at-all")


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("lambda.GetFunctionConfiguration", "lambda:GetFunctionConfiguration"),
        ("s3.HeadBucket", "bucket"),
        ("lambda.GetFunction", "lambda:GetFunction"),
    ],
)
def test_no_permission(present, operation, named):
    present.cloud.aws.faults.order(operation, "deny", times=9)
    refused(present, present.ldeploy("probe", "f", "--bucket", "packages"), 1, named)


def test_no_permission_to_write_to_the_bucket(present):
    present.cloud.aws.faults.order("s3.PutObject", "deny", times=9)
    denied = present.ldeploy("probe", "f", "--bucket", "packages")
    assert (denied.code, "s3:PutObject" in denied.err) == (1, True)
    assert [name for name in present.changes() if name.startswith("lambda.")] == []


def test_what_is_not_there_is_the_same_code_whichever_option_names_it(present):
    given = ("--package", "build", "--handler", "app.handler", "--events", "events")
    for command in (
        ("probe", "f", "--bucket", "packages", "--package", "nothing-here"),
        ("probe", "f", "--bucket", "packages", "--invoke", "nothing-here"),
        ("shrink", "f", "--whitelist", "nothing-here"),
        ("apply", "nothing-here", "build"),
        ("trace", *given, "--package", "nothing-here"),
        ("trace", *given, "--events", "nothing-here"),
    ):
        refused(present, present.ldeploy(*command), 2, "nothing-here")


@pytest.mark.parametrize("package", ["empty.zip", "text.zip", "cut.zip", "empty", "one.zip"])
def test_a_package_that_is_none(present, package):
    whole = packed(FILES)
    (present.folder / "empty").mkdir()
    for name, content in {"empty.zip": b"", "text.zip": b"text", "cut.zip": whole[:-30], "one.zip": b"P"}.items():
        (present.folder / name).write_bytes(content)
    refused(present, present.ldeploy("probe", "f", "--package", package, "--bucket", "packages"), 1)


@pytest.mark.parametrize("name", ["../out.py", "/abs.py", "a/../../b"])
def test_a_zip_with_names_that_lead_out(present, name):
    (present.folder / "bad.zip").write_bytes(packed({**FILES, name: "x"}))
    refused(present, present.ldeploy("probe", "f", "--package", "bad.zip", "--bucket", "packages"), 1, name)


def test_a_zip_with_the_same_name_twice(present):
    twice = packed({"app.py": "1", "bpp.py": "2"}).replace(b"bpp.py", b"app.py")
    (present.folder / "twice.zip").write_bytes(twice)
    refused(present, present.ldeploy("probe", "f", "--package", "twice.zip", "--bucket", "packages"), 1, "app.py")


def test_a_package_in_s3_that_is_not_there(present):
    refused(present, present.ldeploy("probe", "f", "--package", "s3://packages/no.zip"), 1, "s3://packages/no.zip")
    refused(present, present.ldeploy("probe", "f", "--package", "s3://packages"), 2, "s3://bucket/key.zip")


def test_a_package_without_the_handler(present):
    write(present.folder / "other", {"main.py": "x = 1"})
    refused(present, present.ldeploy("probe", "f", "--package", "other", "--bucket", "packages"), 1, "app.handler")


def test_a_runtime_without_a_wrapper(project):
    create = ("--create", "--role", ROLE, "--handler", "app.handler", "--runtime", "provided.al2023")
    outcome = project.ldeploy("probe", "f", "--package", "build", "--bucket", "packages", *create)
    refused(project, outcome, 1, "provided.al2023")


def test_create_says_what_it_needs(project):
    refused(project, project.ldeploy("probe", "f", "--package", "build", "--create"), 2, "--role")


def test_a_role_that_is_no_arn(project):
    create = ("--create", "--role", "worker", "--handler", "app.handler", "--runtime", "python3.11")
    refused(project, project.ldeploy("probe", "f", "--package", "build", "--bucket", "packages", *create), 2, "worker")


def test_five_layers_already(project):
    layers = [f"{LAYER}:own{number}:1" for number in range(5)]
    for number in range(5):
        project.cloud.functions.publish_layer_version(
            LayerName=f"own{number}", Content={"ZipFile": packed({f"{number}.txt": "x"})}
        )
    project.cloud.create("f", FILES, Layers=layers)
    project.cloud.aws.faults.forget()
    refused(project, project.ldeploy("probe", "f", "--bucket", "packages"), 1, "5 layers")


def test_an_environment_over_4_kb_with_the_probe_s(project):
    project.cloud.create("f", FILES, Environment={"Variables": {"SECRET": "s3cret" * 670}})
    project.cloud.aws.faults.forget()
    outcome = project.ldeploy("probe", "f", "--bucket", "packages")
    refused(project, outcome, 1, "4096")
    assert "s3cret" not in outcome.err


def test_a_slim_package_over_the_limit_names_what_weighs_most_in_it(project):
    project.probe()
    project.cloud.invoke("f")
    project.shrink()
    before = project.configuration()
    for name, size in {"heavy.bin": 262_144_000, "data/never.bin": 300_000_000}.items():
        with (project.folder / "build" / name).open("wb") as heavy:
            heavy.truncate(size)
    outcome = project.ldeploy("deploy", "f", "--package", "build", "--drop", "data/never.bin", "--no-fit")
    assert (outcome.code, "heavy.bin 262.1 MB" in outcome.err, "data 300.0 MB" in outcome.err) == (3, True, False)
    assert project.configuration() == before


def test_no_log_lines_yet(project):
    project.probe()
    project.cloud.aws.faults.forget()
    refused(project, project.shrink(), 4, "/aws/lambda/f")


def test_the_log_is_read_from_its_beginning_at_the_earliest(project):
    project.probe()
    project.cloud.invoke("f")
    for since in ("9" * 30 + "w", "1960-01-01"):
        assert project.shrink("--since", since, "--plan").code == 0


def test_fewer_sandboxes_than_asked_for(project):
    project.probe()
    project.cloud.invoke("f")
    project.cloud.aws.faults.forget()
    refused(project, project.shrink("--min-sandboxes", "3"), 4, "1", "3")


def test_a_log_of_another_package(project):
    project.probe()
    project.cloud.invoke("f")
    write(project.folder / "build", {"new.py": "x"})
    project.probe()
    project.cloud.aws.faults.forget()
    refused(project, project.shrink(), 4, "another package")


def test_a_function_that_was_never_probed(present):
    refused(present, present.ldeploy("shrink", "f", "--from-logs", "--bucket", "packages"), 1, "not probed")
    refused(present, present.ldeploy("restore", "f"), 1, "not probed")
    refused(present, present.ldeploy("deploy", "f", "--package", "build", "--bucket", "packages"), 1, "no whitelist")


def test_code_that_was_replaced_since_the_probe(project):
    project.probe()
    project.cloud.invoke("f")
    project.cloud.functions.update_function_code(FunctionName="f", ZipFile=packed({"app.py": "x = 1"}))
    project.cloud.settle("f")
    project.cloud.aws.faults.forget()
    refused(project, project.shrink(), 1, "replaced since the probe")


def test_a_zip_of_the_user_s_that_was_replaced_in_s3_since_the_probe(project):
    project.cloud.storage.put_object(Bucket="packages", Key="latest.zip", Body=packed(FILES))
    project.ldeploy("probe", "f", "--package", "s3://packages/latest.zip", *CREATE)
    project.cloud.invoke("f")
    project.cloud.storage.put_object(Bucket="packages", Key="latest.zip", Body=packed({**FILES, "new.py": "x"}))
    project.cloud.aws.faults.forget()
    refused(project, project.shrink(), 1, "s3://packages/latest.zip", "ldeploy probe")
    code = project.configuration()["CodeSha256"]
    project.cloud.functions.update_function_code(FunctionName="f", ZipFile=packed({"app.py": "x = 1"}))
    project.cloud.settle("f")
    theirs = project.configuration()["CodeSha256"]
    assert project.ldeploy("restore", "f", "--force").code == 1
    assert project.configuration()["CodeSha256"] == theirs != code


def test_nothing_is_changed_without_a_terminal_or_yes(project):
    project.probe()
    project.cloud.invoke("f")
    project.cloud.aws.faults.forget()
    for command in ("probe", "shrink", "restore"):
        refused(project, project.unattended(command, "f"), 2, "--yes", "--plan")
    refused(project, project.unattended("deploy", "f", "--package", "build"), 2, "--yes", "--plan")


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("status", "f"), 1, "f"),
        (("status", "f:PROD"), 2, "f:PROD"),
        (("status", "f", "--profile", "nobody"), 2, "nobody"),
        (("shrink", "f", "--yes", "--min-sandboxes", "none"), 2, "min-sandboxes"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_with_json_an_error_is_one_object_on_stdout(project, arguments, code, word):
    outcome = project.unattended(*arguments, "--output", "json")
    error = outcome.json["error"]
    assert (outcome.code, error["code"]) == (code, code)
    assert word in error["what"]
    assert set(error) == {"what", "advice", "code"}
    assert outcome.err.startswith("ldeploy: ")


def test_json_is_asked_for_by_a_variable_too(project, monkeypatch):
    monkeypatch.setenv("LDEPLOY_OUTPUT", "json")
    assert project.unattended("status", "f").json["error"]["code"] == 1


def test_a_doctor_who_finds_something_tells_its_report_and_the_error_as_one_object(project):
    outcome = project.unattended("doctor", "f", "--bucket", "nowhere-at-all", "--output", "json")
    assert (outcome.code, outcome.json["error"]["code"], outcome.json["ready"]) == (1, 1, False)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["shrink", "f", "--from-logs", "--since", "yesterday"], "yesterday"),
        (["shrink", "f", "--from-logs", "--since", "1h", "--until", "2h"], "--until"),
        (["shrink", "f", "--from-logs", "--whitelist", "no.json"], "no.json"),
        (["probe", "f", "--invoke", "no-folder"], "no-folder"),
        (["probe", "f", "--memory", "1"], "memory"),
        (["nonsense"], "nonsense"),
        (["status", "f", "--profile", "nobody"], "nobody"),
        (["status", "f", "--endpoint-url", "nonsense"], "nonsense"),
    ],
)
def test_words_that_are_none(project, arguments, word):
    outcome = project.ldeploy(*arguments)
    assert outcome.code == 2
    assert word in outcome.err


def test_an_event_that_is_not_json_is_said_before_anything_is_changed(project):
    write(project.folder / "events", {"bad.json": "{"})
    refused(project, project.probe("--invoke", "events"), 2, "bad.json")


def test_a_state_that_is_broken(project):
    project.probe()
    (project.folder / ".ldeploy/f/state.json").write_text("{")
    project.cloud.aws.faults.forget()
    refused(project, project.ldeploy("restore", "f"), 1, "state.json")


@pytest.mark.parametrize("verbose", [False, True])
def test_a_traceback_is_shown_with_verbose_only_wherever_that_is_set(present, verbose):
    (present.folder / "ldeploy.toml").write_text(f"verbose = {str(verbose).lower()}\n")
    outcome = present.ldeploy("status", "f")
    assert (outcome.code, "Traceback" in outcome.err) == (1, verbose)


def test_a_mistake_of_ldeploy_s_own_is_said_in_a_sentence(present, monkeypatch):
    monkeypatch.setattr("deployer.pipeline.status", None)
    refused(present, present.ldeploy("status", "f"), 1, "TypeError", "--verbose")


def test_nobody_answers(project):
    outcome = project.ldeploy("status", "f", "--endpoint-url", "http://127.0.0.1:9")
    assert outcome.code == 1
    assert "127.0.0.1:9" in outcome.err


def test_names_that_are_not_utf_8_go_through_the_loop(project):
    write(project.folder / "build", {os.fsdecode(b"data/na\xefve.txt"): "x"})
    source = FILES["app.py"].replace('"data/opened.txt"', r'"data/na\udcefve.txt"')
    write(project.folder / "build", {"app.py": source})
    assert project.probe().code == 0
    assert project.cloud.invoke("f").value == "x"
    shrunk = project.shrink()
    assert shrunk.code == 0
    assert project.cloud.invoke("f").value == "x"
    kept = json.loads((project.folder / ".ldeploy/f/whitelist.json").read_text())["decisions"]
    assert kept["data/na\udcefve.txt"]["kept"]
