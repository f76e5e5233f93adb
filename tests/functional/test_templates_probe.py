"""A probe that a template put in, which knows no package: it is taken over, and its evidence is of the present code."""

import pytest

from deployer.instrumentation.layer_zip import PACKAGE_VARIABLE, UNLABELLED, WRAPPER, build_layer
from tests.functional.project import FILES
from tests.functional.test_controller import SETTINGS, run, tag
from tests.zips import packed

SHRINK = ("shrink", "f", "--from-logs", "--bucket", "packages", "--output", "json")
VARIABLES = {"OWN": "1", "AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, PACKAGE_VARIABLE: f"{UNLABELLED}-1f0e"}


@pytest.fixture
def armed(project):
    """A function as a stack deploys it with the probe in."""
    layer = project.cloud.functions.publish_layer_version(
        LayerName="ldeploy-probe", Content={"ZipFile": build_layer()}
    )["LayerVersionArn"]
    project.cloud.create("f", FILES, Layers=[layer], Environment={"Variables": VARIABLES})
    project.cloud.aws.faults.forget()
    return project


@pytest.fixture
def used(armed):
    """That was invoked."""
    assert armed.cloud.invoke("f").value == "opened"
    return armed


def rearmed(project):
    """What the next deployment of the stack does: the full build again, with the probe in."""
    project.cloud.functions.update_function_code(FunctionName="f", ZipFile=packed(FILES))
    project.cloud.settle("f")
    layers = project.cloud.functions.list_layer_versions(LayerName="ldeploy-probe")["LayerVersions"]
    project.cloud.functions.update_function_configuration(
        FunctionName="f", Layers=[layers[0]["LayerVersionArn"]], Environment={"Variables": VARIABLES}
    )
    project.cloud.settle("f")


def test_it_is_shrunk_by_what_its_probe_logged(used):
    done = used.ldeploy(*SHRINK)
    assert (done.code, done.json["state"], done.json["sandboxes"]) == (0, "deployed", 1), done.err
    assert used.deployed() == {"app.py", "used.py", "data/opened.txt"}
    assert used.configuration()["Environment"]["Variables"] == {"OWN": "1"}
    assert used.cloud.invoke("f").value == "opened"
    assert used.ldeploy("restore", "f").code == 0
    assert used.deployed() == set(FILES)


def test_status_tells_of_it_and_changes_nothing(used):
    told = used.ldeploy("status", "f", "--bucket", "packages", "--output", "json")
    assert (told.json["state"], told.json["deployed"], told.json["sandboxes"]) == ("probed", "full", 1)
    planned = used.ldeploy(*SHRINK, "--plan")
    assert (planned.code, planned.json["state"]) == (0, "planned")
    assert used.changes() == []


def test_without_a_bucket_it_says_what_to_give(used):
    refused = used.ldeploy("shrink", "f", "--from-logs")
    assert refused.code == 2
    assert "The probe of f is a template's. Give --bucket, or --stack-name." in refused.err


def test_what_was_logged_before_the_code_changed_is_not_of_this_code(armed):
    assert armed.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    armed.cloud.functions.update_function_code(FunctionName="f", ZipFile=packed({**FILES, "new.py": "x = 1"}))
    armed.cloud.settle("f")
    assert armed.ldeploy(*SHRINK).code == 4
    assert armed.cloud.invoke("f").value == "opened"
    done = armed.ldeploy(*SHRINK, "--since", "1d")
    assert (done.code, done.json["sandboxes"]) == (0, 1)


def test_a_probe_of_ldeploys_own_keeps_what_the_templates_has_seen(armed):
    assert armed.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    assert armed.ldeploy("probe", "f", "--bucket", "packages").code == 0
    assert armed.cloud.invoke("f").value == "opened"
    done = armed.ldeploy(*SHRINK)
    assert (done.code, done.json["sandboxes"]) == (0, 1)
    assert "lazy.py" in armed.deployed()


def test_what_was_seen_before_the_last_shrink_still_counts(armed):
    assert armed.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    assert armed.ldeploy(*SHRINK).code == 0
    rearmed(armed)
    assert armed.cloud.invoke("f").value == "opened"
    assert armed.ldeploy(*SHRINK).code == 0
    assert armed.deployed() == {"app.py", "used.py", "lazy.py", "data/opened.txt"}


def test_the_controller_takes_it_over_too(used, monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    tag(used, "f")
    assert run()["f"]["state"] == "deployed"
    assert used.cloud.invoke("f").value == "opened"
