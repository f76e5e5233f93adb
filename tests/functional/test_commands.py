"""The loop, as someone types it: probe, traffic, shrink, restore; and deploy, status, --plan."""

import json
import shutil

import pytest

from deployer.instrumentation.layer_zip import PACKAGE_VARIABLE
from probe_layer.record import Record, encode
from tests.functional.local_aws import RUNTIME
from tests.functional.project import FILES, events, write
from tests.zips import packed

RECORD = Record("2026-01-01T00:00:00Z", "INFO", "5" * 16, 0, "", "start", None, 0, [], [], {"opened": ["app.py"]}, 0.25)
"""What a sandbox of four writes."""
NEEDED = {"app.py", "used.py", "data/opened.txt"}


@pytest.fixture
def probed(project):
    """A function that is probed and has seen two of its three kinds of event."""
    assert project.probe().code == 0
    assert project.cloud.invoke("f").value == "opened"
    assert project.cloud.invoke("f", {"do": "look"}).value is True
    return project


def test_the_loop_keeps_what_was_touched_and_the_answers(probed):
    before = probed.configuration("1")
    shrunk = probed.shrink()
    assert shrunk.code == 0
    assert probed.deployed() == NEEDED | {"data/looked_at.txt"}
    assert probed.cloud.invoke("f").value == "opened"
    assert probed.cloud.invoke("f", {"do": "look"}).value is True
    slim = probed.configuration()
    assert slim | {"CodeSha256": "", "CodeSize": 0} == before | {"CodeSha256": "", "CodeSize": 0}
    assert probed.ldeploy("restore", "f").code == 0
    assert probed.configuration() == before


def test_shrink_answers_with_what_the_contract_names(probed):
    answer = probed.shrink().json
    assert (answer["function"], answer["state"], answer["sandboxes"], answer["invocations"]) == ("f", "deployed", 1, 2)
    assert answer["before"]["files"] == len(FILES)
    assert answer["after"].keys() == {"files", "bytes", "zip_bytes", "sha256"}
    assert answer["after"]["bytes"] < answer["before"]["bytes"]
    assert answer["limits"]["unzipped"] == 262_144_000
    assert answer["limits"]["unzipped_left"] == 262_144_000 - answer["after"]["bytes"]
    assert {"unseen_probability", "upper_bound", "confidence"} <= answer["coverage"].keys()
    assert answer["artifacts"]["s3_uri"] == f"s3://packages/ldeploy/functions/f/{answer['after']['sha256']}.zip"
    assert json.loads((probed.folder / answer["artifacts"]["whitelist"]).read_text())
    assert answer["version"] == "2"
    assert isinstance(answer["warnings"], list)


def test_a_function_that_was_there_comes_back_exactly(project):
    project.cloud.functions.publish_layer_version(LayerName="own", Content={"ZipFile": packed({"own.txt": "x"})})
    layer = "arn:aws:lambda:us-east-1:123456789012:layer:own:1"
    variables = {"MINE": "stays", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/own_wrapper"}
    project.cloud.create("f", FILES, Environment={"Variables": variables}, Layers=[layer], MemorySize=256, Timeout=9)
    before = project.configuration()
    assert project.ldeploy("probe", "f", "--bucket", "packages", "--memory", "1024", "--timeout", "60").code == 0
    armed = project.configuration()
    assert (armed["MemorySize"], armed["Timeout"], len(armed["Layers"])) == (1024, 60, 2)
    assert armed["Environment"]["Variables"]["MINE"] == "stays"
    assert project.ldeploy("restore", "f").code == 0
    assert project.configuration() == before


def test_the_wrapper_of_the_function_runs_with_the_probe_in(project):
    wrapper = '#!/bin/bash\nexport FROM_WRAPPER=yes\nexec "$@"\n'
    source = "import os\ndef handler(event, context): return os.environ.get('FROM_WRAPPER')\n"
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
    project.cloud.create("f", {"app.py": source, "wrapper": wrapper}, Environment={"Variables": variables})
    assert project.ldeploy("probe", "f", "--bucket", "packages").code == 0
    assert project.cloud.invoke("f").value == "yes"
    assert project.shrink().code == 0
    assert project.cloud.invoke("f").value == "yes"
    assert "wrapper" in project.deployed()


@pytest.mark.parametrize("folder", ["python", f"python/lib/{RUNTIME}/site-packages"])
def test_a_handler_may_be_in_a_layer(project, folder):
    wrapping = "import app\ndef handler(event, context): return app.handler(event, context)\n"
    content = {"ZipFile": packed({f"{folder}/ext/wrap.py": wrapping})}
    project.cloud.functions.publish_layer_version(LayerName="own", Content=content)
    layers = ["arn:aws:lambda:us-east-1:123456789012:layer:own:1"]
    project.cloud.create("f", FILES, Layers=layers, Handler="ext.wrap.handler")
    assert project.ldeploy("probe", "f", "--bucket", "packages").code == 0
    assert project.cloud.invoke("f").value == "opened"
    assert project.shrink().code == 0
    assert project.cloud.invoke("f").value == "opened"
    assert project.deployed() == NEEDED


def test_a_plan_changes_nothing_in_aws(project):
    planned = project.probe("--plan")
    assert (planned.code, planned.json["state"]) == (0, "planned")
    assert len(planned.json["plan"]) >= 6
    assert project.changes() == []


def test_a_run_tells_what_it_changes_and_each_step_with_verbose(project):
    made = project.probe()
    assert made.code == 0
    assert "+ layer ldeploy-probe:1\n" in made.err
    assert any(line.startswith("+ function f: ") for line in made.err.splitlines())
    assert "write down" not in made.err
    project.cloud.invoke("f")
    shrunk = project.shrink("--verbose")
    assert "- layer ldeploy-probe:1\n" in shrunk.err
    assert "· write down how things stand (shrinking)" in shrunk.err
    assert project.ldeploy("restore", "f", "--quiet").err == ""


def test_a_zip_that_s3_has_already_is_not_told_as_new(project):
    assert " in s3://packages" in project.probe().err
    assert " in s3://packages" not in project.probe("--timeout", "30").err


def test_the_plan_of_a_shrink_leaves_the_whitelist_and_the_function_as_it_is(probed):
    before = probed.configuration()
    probed.cloud.aws.faults.forget()
    planned = probed.shrink("--plan")
    assert (planned.code, planned.json["state"]) == (0, "planned")
    assert probed.configuration() == before
    assert probed.changes() == []
    assert (probed.folder / ".ldeploy/f/whitelist.txt").read_text().splitlines()


def test_what_is_probed_is_what_the_plan_says(project):
    planned = project.probe("--plan").json["plan"]
    assert project.probe().json["plan"] == planned


def test_keep_and_drop_rules_and_settings(probed):
    (probed.folder / "ldeploy.toml").write_text('keep = "unused.py"\n')
    assert probed.shrink("--plan").code == 0
    assert "unused.py" in (probed.folder / ".ldeploy/f/whitelist.txt").read_text()
    shrunk = probed.shrink("--keep", "lazy.py", "--drop", "data/looked_at.txt")
    assert shrunk.code == 0
    assert probed.deployed() == NEEDED | {"lazy.py"}
    assert any("looked_at.txt" in warning for warning in shrunk.json["warnings"])


def test_each_option_is_set_under_its_own_name_in_the_file_and_in_the_environment(project, monkeypatch):
    (project.folder / "ldeploy.toml").write_text('invoke = "nowhere"\nbucket = "packages"\n')
    assert "nowhere" in project.ldeploy("probe", "f", "--package", "build").err
    monkeypatch.setenv("LDEPLOY_INVOKE", "events")
    assert project.probe().json["answers"] == 3


def test_another_machine_can_go_on_with_the_bucket_alone(probed):
    shutil.rmtree(probed.folder / ".ldeploy")
    assert probed.ldeploy("status", "f").code == 1
    assert probed.shrink("--bucket", "packages").code == 0
    shutil.rmtree(probed.folder / ".ldeploy")
    assert probed.ldeploy("restore", "f", "--bucket", "packages").code == 0


def test_evidence_of_an_earlier_probe_of_the_same_package_is_kept(probed):
    assert probed.shrink().code == 0
    probed.ldeploy("restore", "f")
    assert probed.probe().code == 0
    probed.cloud.invoke("f", {"do": "lazy"})
    assert probed.shrink("--since", "1h").code == 0
    assert probed.deployed() == NEEDED | {"data/looked_at.txt", "lazy.py"}


def test_a_fresh_build_is_slimmed_by_the_whitelist_there_is(probed):
    assert probed.shrink().code == 0
    build = write(probed.folder / "next", {**FILES, "used.py": "VALUE = 3\n", "new.py": "VALUE = 4\n"})
    deployed = probed.ldeploy("deploy", "f", "--package", str(build), "--bucket", "packages", "--output", "json")
    assert (deployed.code, deployed.json["state"]) == (0, "deployed")
    assert probed.deployed() == NEEDED | {"data/looked_at.txt", "new.py"}
    assert probed.cloud.invoke("f").value == "opened"


def test_restore_after_a_deploy_leads_to_what_was_there_before_the_probe(probed):
    before = probed.configuration("1")
    probed.shrink()
    probed.ldeploy("deploy", "f", "--package", str(write(probed.folder / "next", FILES | {"new.py": ""})))
    assert probed.ldeploy("restore", "f").code == 0
    assert probed.configuration() == before


def test_a_package_in_s3_is_deployed_from_where_it_lies(project):
    project.cloud.storage.put_object(Bucket="packages", Key="mine/code.zip", Body=packed(FILES))
    package = ("--package", "s3://packages/mine/code.zip")
    create = ("--create", "--role", "arn:aws:iam::123456789012:role/r", "--handler", "app.handler")
    assert project.ldeploy("probe", "f", *package, *create, "--runtime", RUNTIME).code == 0
    assert project.cloud.invoke("f").value == "opened"
    assert project.shrink().code == 0
    assert project.deployed() == NEEDED


def test_the_present_code_can_be_probed_after_a_package_of_the_user_s_in_s3(project):
    project.cloud.create("f", {"app.py": "def handler(event, context): return 'before'"})
    project.cloud.storage.put_object(Bucket="packages", Key="mine/code.zip", Body=packed(FILES))
    assert project.ldeploy("probe", "f", "--package", "s3://packages/mine/code.zip").code == 0
    assert project.ldeploy("probe", "f", "--bucket", "packages").code == 0
    project.cloud.invoke("f")
    assert project.shrink().code == 0
    assert project.deployed() == NEEDED


def test_a_zip_on_this_machine_is_deployed_as_it_is(project):
    (project.folder / "code.zip").write_bytes(packed(FILES))
    probed = project.ldeploy("probe", "f", "--package", "code.zip", "--resolve-s3", *_create())
    assert probed.code == 0
    assert project.cloud.invoke("f").value == "opened"


def _create():
    return (
        "--create",
        "--role",
        "arn:aws:iam::123456789012:role/r",
        "--handler",
        "app.handler",
        "--runtime",
        RUNTIME,
    )


def test_events_are_sent_and_tried_again_on_the_new_package(project):
    probed = project.probe("--invoke", "events")
    assert (probed.json["answers"], probed.json["failed"]) == (3, 0)
    assert project.shrink().code == 0
    assert project.deployed() == NEEDED | {"data/looked_at.txt", "lazy.py"}


def test_a_new_package_that_fails_its_trial_is_taken_back(project):
    project.probe("--invoke", "events")
    armed = project.configuration()
    shrunk = project.shrink("--drop", "lazy.py")
    assert shrunk.code == 5
    assert "lazy.json" in shrunk.err
    assert project.configuration() == armed
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    assert project.shrink().code == 0


def test_a_new_package_that_answers_otherwise_is_taken_back(project):
    project.probe("--invoke", "events")
    assert project.shrink("--drop", "data/looked_at.txt").code == 5
    assert project.cloud.invoke("f", {"do": "look"}).value is True


def test_an_answer_that_is_never_the_same_is_no_failure(project):
    events(project.folder / "events", clock={"do": "clock"}, fail={"do": "fail"})
    assert project.probe("--invoke", "events").json["failed"] == 1
    shrunk = project.shrink()
    assert shrunk.code == 0
    assert "clock.json" in shrunk.err


def test_new_code_that_answers_otherwise_is_no_failure_but_one_that_fails_is_taken_back(project):
    project.probe("--invoke", "events")
    project.shrink()
    otherwise = write(project.folder / "next", {**FILES, "data/opened.txt": "new"})
    assert project.ldeploy("deploy", "f", "--package", str(otherwise)).code == 0
    assert project.cloud.invoke("f").value == "new"
    before = project.configuration()
    failing = write(project.folder / "failing", {**FILES, "lazy.py": "raise ValueError\n"})
    deployed = project.ldeploy("deploy", "f", "--package", str(failing))
    assert deployed.code == 5
    assert "lazy.json" in deployed.err
    assert project.configuration() == before


def test_restore_asks_before_it_undoes_what_somebody_else_deployed_since(probed):
    before = probed.configuration("1")
    probed.cloud.functions.update_function_code(FunctionName="f", ZipFile=packed(FILES | {"theirs.py": ""}))
    probed.cloud.settle("f")
    assert probed.ldeploy("restore", "f").code == 1
    assert "theirs.py" in probed.deployed()
    assert probed.ldeploy("restore", "f", "--force").code == 0
    assert probed.configuration() == before


def test_what_may_hold_secrets_is_kept_out_of_repositories(probed):
    assert "state.json" in (probed.folder / ".ldeploy/.gitignore").read_text()
    assert (probed.folder / ".ldeploy/f/state.json").stat().st_mode & 0o077 == 0


def test_status_says_where_things_stand(probed):
    status = json.loads(probed.ldeploy("status", "f", "--output", "json").out)
    assert (status["state"], status["armed"], status["deployed"], status["sandboxes"]) == ("probed", True, "full", 1)
    probed.shrink()
    status = json.loads(probed.ldeploy("status", "f", "--output", "json").out)
    assert (status["state"], status["armed"], status["deployed"]) == ("shrunk", False, "slim")


def test_in_json_nothing_else_is_on_stdout_and_in_text_a_person_can_read_it(probed):
    assert probed.shrink("--plan").json
    told = probed.ldeploy("shrink", "f", "--from-logs")
    assert "never touched" in told.out
    assert "1 sandbox" in told.out


def test_the_probe_s_variables_and_layer_are_gone_afterwards(probed):
    probed.shrink()
    slim = probed.configuration()
    assert "Layers" not in slim or slim["Layers"] == []
    assert not [
        name for name in slim.get("Environment", {}).get("Variables", {}) if "LDEPLOY" in name or "WRAPPER" in name
    ]


def test_a_sample_is_asked_of_the_probe_said_in_status_and_taken_out_again(project):
    probed = project.probe("--sample", "0.25", "--invoke", "events")
    assert probed.code == 0
    assert any("0.25" in step for step in probed.json["plan"])
    assert any("may not be in the log" in warning for warning in probed.json["warnings"])
    assert project.configuration()["Environment"]["Variables"]["LDEPLOY_SAMPLE"] == "0.25"
    reported = encode(RECORD._replace(package=project.configuration()["Environment"]["Variables"][PACKAGE_VARIABLE]))[0]
    project.cloud.write_log("f", reported)
    status = project.ldeploy("status", "f", "--output", "json").json
    assert status["coverage"]["population"] >= 4
    assert status["sample"] == 0.25
    told = project.ldeploy("status", "f").out
    assert "25.0 % of the sandboxes report" in told
    assert "of about" in told
    assert project.ldeploy("restore", "f").code == 0
    assert "LDEPLOY_SAMPLE" not in project.configuration().get("Environment", {}).get("Variables", {})


@pytest.mark.parametrize("share", ["0", "1.5", "-1", "many"])
def test_a_share_that_is_none_is_refused(project, share):
    assert project.probe("--sample", share).code == 2
    assert project.changes() == []


def test_an_engine_that_does_not_know_the_question_is_said_so(probed):
    """The embedded AWS has no Logs Insights that unnests."""
    status = probed.ldeploy("status", "f", "--via", "insights")
    assert status.code == 1
    assert "Omit --via insights" in status.err
