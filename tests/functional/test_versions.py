"""Evidence over versions of the code: what is unchanged needs no second look, what changed is kept until it has one."""

import json

import pytest

from tests.functional.project import write

APP = """
import importlib, sys

def handler(event, context):
    for name in event.get("use", []):
        importlib.import_module(name)
    return event.get("use", [])
"""


def distribution(name, version, body="VALUE = 1\n"):
    """A package of two modules, installed as pip installs it."""
    files = {f"{name}/__init__.py": "", f"{name}/used.py": body, f"{name}/spare.py": body}
    folder = f"{name}-{version}.dist-info"
    rows = "".join(f"{path},,\n" for path in [*files, f"{folder}/METADATA", f"{folder}/RECORD"])
    return {**files, f"{folder}/METADATA": f"Name: {name}\nVersion: {version}\n", f"{folder}/RECORD": rows}


FIRST = {"app.py": APP, "own.py": "A = 1\n", **distribution("same", "1.0"), **distribution("other", "1.0")}
SECOND = {**FIRST, "app.py": APP + "# next\n", **distribution("other", "2.0", "VALUE = 2\n")}
SECOND = {path: text for path, text in SECOND.items() if not path.startswith("other-1.0")}


def modules(project):
    """The deployed modules, without metadata."""
    return {path for path in project.deployed() if path.endswith(".py")}


@pytest.fixture
def probed_again(project):
    """One build was probed and used, then the next, of which nothing but the handler has been used."""
    write(project.folder / "first", FIRST)
    write(project.folder / "second", SECOND)
    assert project.probe("--package", "first").code == 0
    project.cloud.invoke("f", {"use": ["same.used", "other.used", "own"]})
    assert project.ldeploy("probe", "f", "--package", "second", "--bucket", "packages").code == 0
    project.cloud.invoke("f")
    return project


def test_what_is_unchanged_is_known_from_the_probe_before(probed_again):
    assert probed_again.shrink().code == 0
    assert {"same/used.py", "same/__init__.py", "own.py"} <= modules(probed_again)
    assert "same/spare.py" not in modules(probed_again)
    assert probed_again.cloud.invoke("f", {"use": ["same.used", "own"]}).value


def test_a_distribution_that_changed_is_kept_whole_until_it_is_seen_again(probed_again):
    unseen = probed_again.shrink("--plan").json
    assert any("other 1.0 → 2.0" in warning for warning in unseen["warnings"])
    kept = (probed_again.folder / ".ldeploy/f/whitelist.txt").read_text().splitlines()
    assert "other/spare.py" in kept
    probed_again.cloud.invoke("f", {"use": ["other.used"]})
    seen = probed_again.shrink().json
    assert not any("Kept whole" in warning for warning in seen["warnings"])
    assert "other/used.py" in modules(probed_again)
    assert "other/spare.py" not in modules(probed_again)


def test_what_the_probe_before_saw_is_known_to_a_colleague_too(probed_again):
    (probed_again.folder / ".ldeploy").rename(probed_again.folder / "gone")
    assert probed_again.shrink("--bucket", "packages").code == 0
    assert "same/used.py" in modules(probed_again)


def test_a_file_of_the_function_s_own_that_changed_needs_evidence_of_its_own(project):
    write(project.folder / "first", FIRST)
    write(project.folder / "second", {**FIRST, "own.py": "A = 2\n"})
    assert project.probe("--package", "first").code == 0
    project.cloud.invoke("f", {"use": ["own"]})
    assert project.ldeploy("probe", "f", "--package", "second", "--bucket", "packages").code == 0
    project.cloud.invoke("f")
    assert project.shrink().code == 0
    assert modules(project) == {"app.py"}


def test_evidence_survives_a_deploy_between_two_probes(project):
    write(project.folder / "first", FIRST)
    write(project.folder / "second", SECOND)
    assert project.probe("--package", "first").code == 0
    project.cloud.invoke("f", {"use": ["same.used"]})
    assert project.shrink().code == 0
    assert project.ldeploy("deploy", "f", "--package", "first", "--bucket", "packages").code == 0
    assert project.ldeploy("probe", "f", "--package", "second", "--bucket", "packages").code == 0
    project.cloud.invoke("f")
    assert project.shrink().code == 0
    assert "same/used.py" in modules(project)


def test_a_sandbox_of_the_new_package_must_have_reported_whatever_is_known_of_the_old(project):
    write(project.folder / "first", FIRST)
    write(project.folder / "second", SECOND)
    assert project.probe("--package", "first").code == 0
    project.cloud.invoke("f", {"use": ["same.used"]})
    assert project.ldeploy("probe", "f", "--package", "second", "--bucket", "packages").code == 0
    assert project.shrink().code == 4


def test_why_a_carried_path_is_kept_names_the_package_that_it_was_seen_in(probed_again):
    assert probed_again.shrink().code == 0
    decisions = json.loads((probed_again.folder / ".ldeploy/f/whitelist.json").read_text())["decisions"]
    assert "unchanged since" in decisions["same/used.py"]["because"]
