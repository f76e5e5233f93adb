"""What another tool deploys over a shrunk function: ``status`` says what it is, ``restore`` knows what is ours."""

import io
import shutil
import zipfile

import pytest

from tests.functional.test_apply import fresh, learned

__all__ = ["learned"]


def zipped(folder, **more):
    """A folder's zip as another tool makes it: other dates, no folders."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(
                    zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2001, 2, 3, 4, 5, 6)), path.read_bytes()
                )
        for name, text in more.items():
            archive.writestr(name.replace("__", "."), text)
    return made.getvalue()


def deployed(user, code):
    """What status says after a tool has put this code in."""
    user.cloud.functions.update_function_code(FunctionName="f", ZipFile=code)
    user.cloud.settle("f")
    return user.ldeploy("status", "f", "--output", "json").json


@pytest.fixture
def build(learned):
    """A fresh build beside a shrunk function."""
    return learned.folder / "build"


def test_the_full_build_again_undoes_the_shrink_and_is_ours(learned, build):
    found = deployed(learned, zipped(build))
    assert found["deployed"] == "full_again"
    assert any("undone the shrink" in warning for warning in found["warnings"])
    assert learned.ldeploy("restore", "f").code == 0


def test_a_new_full_build_is_somebody_s_work(learned, build):
    found = deployed(learned, zipped(fresh(build), new__py="x = 1\n"))
    assert found["deployed"] == "full_build"
    assert any("undone the shrink" in warning for warning in found["warnings"])
    assert "give --force" in learned.ldeploy("restore", "f").err


def test_an_applied_build_is_the_slim_package(learned, build):
    assert learned.ldeploy("apply", "whitelist.json", "build").code == 0
    found = deployed(learned, zipped(build))
    assert found["deployed"] == "slim_again"
    assert found["after_shrink"] is not None
    assert not any("undone" in warning for warning in found["warnings"])
    assert learned.ldeploy("restore", "f").code == 0


def test_an_applied_build_of_another_version_is_slim_and_not_ours(learned, build):
    (build / "used.py").write_text("VALUE = 3\n")
    assert learned.ldeploy("apply", "whitelist.json", "build").code == 0
    assert deployed(learned, zipped(build))["deployed"] == "slim_build"
    assert "give --force" in learned.ldeploy("restore", "f").err


def test_what_is_of_another_function_stays_unknown(learned, build):
    shutil.rmtree(build)
    build.mkdir()
    (build / "app.py").write_text("def handler(event, context): return 1\n")
    assert deployed(learned, zipped(build))["deployed"] == "other"


def test_the_full_build_over_a_guarded_package_is_no_other_than_over_a_slim_one(project):
    assert project.probe("--invoke", "events").code == 0
    assert project.shrink("--guard", "inside").code == 0
    found = deployed(project, zipped(project.folder / "build"))
    assert found["deployed"] == "full_again"
    assert any("undone the shrink" in warning for warning in found["warnings"])
    assert project.cloud.invoke("f").value == "opened"
    assert project.ldeploy("deploy", "f", "--package", "build", "--guard", "inside").code == 0
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
