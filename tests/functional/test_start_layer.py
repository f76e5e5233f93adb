"""Whatever another tool replaces of a guarded function, it starts: its wrapper lies in a layer of its own."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from deployer.instrumentation.configure import EXEC_WRAPPER, FIT_WRAPPER
from deployer.instrumentation.layer_zip import START_LAYER_NAME, START_WRAPPER, build_layer, layer_size
from tests.functional.project import APP, Project
from tests.zips import packed

OTHER = "import os\ndef handler(event, context): return ['new', os.environ.get('OWN'), left()]\n"
LEFT = f"""
def left():
    return sorted(name for name in os.environ if name.startswith("LDEPLOY") or name == "{EXEC_WRAPPER}")
"""
OWN = f"""#!/bin/sh
[ "${EXEC_WRAPPER}" = /opt/own.sh ] && export OWN=yes
exec "$@"
"""


def present(project: Project, own: str = "", layers: int = 0) -> None:
    """A function of the user's own, with a wrapper in a layer or not, and so many layers."""
    names = [f"own{number}" for number in range(layers)] or (["own"] if own else [])
    content = {"own.sh": own} if own else {"any.txt": "x"}
    arns = [
        project.cloud.functions.publish_layer_version(LayerName=name, Content={"ZipFile": packed(content)})
        for name in names
    ]
    variables = {"MINE": "stays", **({EXEC_WRAPPER: "/opt/own.sh"} if own else {})}
    layered = [arn["LayerVersionArn"] for arn in arns]
    project.cloud.create("f", {"app.py": APP, "used.py": ""}, Environment={"Variables": variables}, Layers=layered)


def guarded(project: Project, *arguments: str) -> None:
    """Probe the build in its place, and shrink it with a guard."""
    probe = ("probe", "f", "--package", "build", "--bucket", "packages", "--invoke", "events", *arguments)
    assert project.ldeploy(*probe).code == 0
    shrunk = project.shrink("--guard", "inside")
    assert (shrunk.code, shrunk.json["guard"]["mode"]) == (0, "inside"), shrunk.err
    ours = any("replaces only the layers" in one for one in shrunk.json["warnings"])
    assert ours == (len(project.configuration()["Layers"]) > 1)


def replace_code(project: Project, code: bytes) -> None:
    """What ``aws lambda update-function-code`` does."""
    project.cloud.functions.update_function_code(FunctionName="f", ZipFile=code)
    project.cloud.settle("f")


def status(project: Project) -> list[str]:
    return list(project.ldeploy("status", "f", "--output", "json").json["warnings"])


@pytest.mark.parametrize(("own", "seen", "left"), [("", None, []), (OWN, "yes", [EXEC_WRAPPER])])
def test_other_code_starts_with_the_function_s_own_wrapper_and_nothing_of_ours(
    project: Project, own: str, seen: str | None, left: list[str]
) -> None:
    present(project, own)
    before = project.configuration()
    guarded(project)
    assert project.configuration()["Environment"]["Variables"][EXEC_WRAPPER] == START_WRAPPER
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    replace_code(project, packed({"app.py": OTHER + LEFT}))
    assert project.cloud.invoke("f").value == ["new", seen, left]
    assert not any("cannot start" in one for one in status(project))
    assert "give --force" in project.ldeploy("restore", "f").err
    assert project.ldeploy("restore", "f", "--force").code == 0
    assert project.configuration() == before


def test_a_wrapper_that_lost_its_mode_on_the_way_still_starts_the_guard(project: Project) -> None:
    """As where somebody unpacks the package and packs it again on another system."""
    present(project)
    guarded(project)
    project.deployed()
    again = io.BytesIO()
    with zipfile.ZipFile(project.folder / "deployed.zip") as old, zipfile.ZipFile(again, "w") as new:
        for info in old.infolist():
            if not stat.S_ISLNK(info.external_attr >> 16):
                info.external_attr = 0o100644 << 16
            new.writestr(info, old.read(info))
    replace_code(project, again.getvalue())
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"


def test_a_probe_and_a_deployment_find_the_configuration_as_the_user_wants_it(project: Project) -> None:
    present(project, OWN)
    before = project.configuration()
    guarded(project)
    arns = [layer["Arn"] for layer in project.configuration()["Layers"]]
    assert [arn.split(":")[6] for arn in arns] == ["own", START_LAYER_NAME]
    planned = project.ldeploy("deploy", "f", "--package", "build", "--guard", "inside", "--plan", "--output", "json")
    assert not any("layer" in line for line in planned.json["effect"]), planned.json["effect"]
    doctor = project.ldeploy("doctor", "f", "--bucket", "packages").out
    assert "/opt/own.sh is called by the probe's" in doctor
    assert START_LAYER_NAME not in doctor
    guarded(project)
    assert [layer["Arn"] for layer in project.configuration()["Layers"]] == arns
    assert project.ldeploy("restore", "f").code == 0
    assert project.configuration() == before


@pytest.mark.parametrize("fallback", [True, False])
def test_where_there_is_no_room_for_a_layer_the_package_s_own_wrapper_starts_it(
    project: Project, fallback: bool
) -> None:
    """Five layers leave no room for a probe either: the whitelist is from a time with fewer."""
    present(project)
    guarded(project)
    assert project.ldeploy("restore", "f").code == 0
    project.cloud.functions.delete_function(FunctionName="f")
    present(project, layers=5 if fallback else 4)
    before = project.configuration()
    deploy = ("deploy", "f", "--package", "build", "--bucket", "packages", "--guard", "inside", "--output", "json")
    done = project.ldeploy(*deploy)
    assert done.code == 0, done.err
    found = project.configuration()
    assert found["Environment"]["Variables"][EXEC_WRAPPER] == (FIT_WRAPPER if fallback else START_WRAPPER)
    assert any("f has 5 layers" in one for one in done.json["warnings"]) == fallback
    assert project.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    replace_code(project, packed({"app.py": OTHER + LEFT}))
    assert any("f cannot start" in one for one in status(project)) == fallback
    assert (project.cloud.invoke("f").error is not None) == fallback
    assert project.ldeploy("restore", "f", "--force").code == 0
    assert project.configuration() == before


def test_a_layer_that_another_tool_took_away_is_told_and_put_right(project: Project) -> None:
    present(project)
    before = project.configuration()
    guarded(project)
    project.cloud.functions.update_function_configuration(FunctionName="f", Layers=[])
    project.cloud.settle("f")
    assert any("f cannot start" in one for one in status(project))
    assert project.cloud.invoke("f").error
    assert project.ldeploy("deploy", "f", "--package", "build", "--guard", "inside").code == 0
    assert project.cloud.invoke("f").value == "opened"
    assert project.ldeploy("restore", "f").code == 0
    assert project.configuration() == before


def test_what_zappa_update_does_to_the_layers_is_told_before(project: Project) -> None:
    (project.folder / "build/zappa_settings.py").write_text("ARCHIVE_PATH = None\n")
    present(project)
    probe = ("probe", "f", "--package", "build", "--bucket", "packages", "--invoke", "events")
    assert project.ldeploy(*probe).code == 0
    planned = project.shrink("--guard", "inside", "--plan")
    assert any("replaces only the layers" in one for one in planned.json["warnings"])


def test_an_environment_that_another_tool_put_in_leaves_the_function_without_its_guard(project: Project) -> None:
    """Its variables are all there are then: the layer stays, and does nothing."""
    present(project)
    before = project.configuration()
    guarded(project)
    project.cloud.functions.update_function_configuration(FunctionName="f", Environment={"Variables": {"MINE": "2"}})
    project.cloud.settle("f")
    assert project.cloud.invoke("f").value == "opened"
    assert any("f starts without its guard" in one for one in status(project))
    assert project.ldeploy("restore", "f").code == 0
    assert not any("without its guard" in one for one in status(project))
    assert project.configuration() == {**before, "Environment": {"Variables": {"MINE": "2"}}}


def test_the_layer_is_one_small_program_and_the_same_each_time() -> None:
    first = build_layer(START_LAYER_NAME)
    assert build_layer(START_LAYER_NAME) == first
    assert len(first) < 1_000
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        (info,) = archive.infolist()
    assert Path("/opt", info.filename) == Path(START_WRAPPER)
    assert stat.S_IMODE(info.external_attr >> 16) == 0o755
    assert layer_size(START_LAYER_NAME) == info.file_size
