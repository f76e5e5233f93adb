"""Trimmed libraries, bytecode and empty files in the slim package: answers stay, each step can be turned off."""

import ctypes
import json
import py_compile
import shutil
import subprocess
import sys
import zipfile

import pytest

from deployer.instrumentation.layer_zip import layer_size
from deployer.limits import UNZIPPED
from tests.functional.project import events, write

LIBRARY = 'static const char *names[] = {"one", "two"}; int twice(int x) { return 2 * x + names[0][0]; }'
APP = """
import ctypes, os
import helper
HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = ctypes.CDLL(os.path.join(HERE, "pkg/libtwice.so"))
SERVICES = [name for name in range(150) if os.path.exists(os.path.join(HERE, f"data/{name}/service.json"))]

def handler(event, context):
    return [LIBRARY.twice(event.get("x", 1)), helper.VALUE, len(SERVICES)]
"""
NO_STEPS = ("--no-trim", "--no-bytecode")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A shared library with symbols and debug sections."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "twice.c").write_text(LIBRARY)
    compiler = [sys.executable, "-m", "ziglang", "cc", "-g", "-O1", "-shared", "-fPIC", "-o", "libtwice.so", "twice.c"]
    subprocess.run(compiler, cwd=folder, check=True, capture_output=True)
    return folder / "libtwice.so"


@pytest.fixture
def probed(project, library):
    """A function with a library, a module compiled by pip, and a folder of services that it scans."""
    shutil.rmtree(project.folder / "build")
    services = {f"data/{name}/service.json": f"service {name} " * 50 for name in range(150)}
    build = write(project.folder / "build", {"app.py": APP, "helper.py": "VALUE = 'helped'\n", **services})
    (build / "pkg").mkdir()
    shutil.copy(library, build / "pkg/libtwice.so")
    py_compile.compile(str(build / "helper.py"), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    shutil.rmtree(project.folder / "events")
    events(project.folder / "events", one={"x": 1}, two={"x": 20})
    assert project.probe("--invoke", "events").json["failed"] == 0
    return project


def contents(project):
    """What Lambda holds, by path."""
    project.deployed()
    with zipfile.ZipFile(project.folder / "deployed.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def steps(outcome):
    """The report's steps by their names."""
    return {step["name"]: step for step in outcome.json["steps"]}


def test_libraries_are_trimmed_and_sources_compiled_and_the_answers_stay(probed):
    before = probed.cloud.invoke("f", {"x": 5}).value
    shrunk = probed.shrink()
    assert (shrunk.code, shrunk.json["state"]) == (0, "deployed")
    assert probed.cloud.invoke("f", {"x": 5}).value == before
    held, full = contents(probed), (probed.folder / "build/pkg/libtwice.so").read_bytes()
    assert len(held["pkg/libtwice.so"]) < len(full)
    assert {name for name in held if name.endswith(".pyc")} == {
        f"__pycache__/{name}.{sys.implementation.cache_tag}.pyc" for name in ("app", "helper")
    }
    told = steps(shrunk)
    assert list(told) == ["whitelist", "libraries trimmed", "bytecode added"]
    assert told["libraries trimmed"]["bytes_after"] == len(held["pkg/libtwice.so"])
    assert shrunk.json["after"]["bytes"] == sum(map(len, held.values()))


def test_bytecode_that_pip_left_would_be_out_of_date_and_is_replaced(probed):
    probed.shrink()
    pyc = contents(probed)[f"__pycache__/helper.{sys.implementation.cache_tag}.pyc"]
    assert (
        int.from_bytes(pyc[4:8], "little") == 3
    )  # hash-based, checked (PEP 552): a source of the function's own may be edited


def test_twice_the_same_bytes(probed):
    first, second = (probed.shrink("--plan").json["after"]["sha256"] for _ in range(2))
    assert first == second


def test_without_steps_everything_lies_as_it_lay(probed):
    shrunk = probed.shrink(*NO_STEPS)
    assert list(steps(shrunk)) == ["whitelist"]
    held = contents(probed)
    build = probed.folder / "build"
    assert {name: data for name, data in held.items() if (build / name).read_bytes() != data} == {}


@pytest.mark.parametrize(("setting", "left"), [("trim", "bytecode added"), ("bytecode", "libraries trimmed")])
def test_each_step_can_be_turned_off_in_the_settings(probed, setting, left):
    (probed.folder / "ldeploy.toml").write_text(f"{setting} = false\n")
    assert list(steps(probed.shrink("--plan"))) == ["whitelist", left]


def test_sources_that_bytecode_takes_the_place_of_are_left_out(probed):
    before = probed.cloud.invoke("f").value
    shrunk = probed.shrink("--no-source")
    assert (shrunk.code, steps(shrunk)["sources left out"]["files"]) == (0, 2)
    assert {name for name in contents(probed) if ".py" in name} == {"app.pyc", "helper.pyc"}
    assert probed.cloud.invoke("f").value == before


def test_what_a_scan_only_looked_at_is_empty_where_it_is_asked_for(probed):
    before = probed.cloud.invoke("f").value
    shrunk = probed.shrink("--empty")
    assert (shrunk.code, steps(shrunk)["scanned files emptied"]["files"]) == (0, 150)
    assert contents(probed)["data/7/service.json"] == b""
    assert probed.cloud.invoke("f").value == before


@pytest.mark.parametrize(("scanned", "added"), [(9_000, ["bytecode added"]), (10, [])])
def test_what_makes_it_too_big_is_left_out_unasked(probed, scanned, added):
    """The full package just fits, with a source whose bytecode is as big again."""
    build = probed.folder / "build"
    write(build, {f"data/{name}/service.json": "{}" * scanned for name in range(150)})
    write(build, {"helper.py": "VALUE = 'helped'\n" + "".join(f"T{n} = 'text {n}'\n" for n in range(30_000))})
    taken = sum(path.stat().st_size for path in build.rglob("*") if path.is_file())
    with (build / "big.bin").open("wb") as file:
        file.truncate(UNZIPPED - layer_size() - taken - 1_000)
    assert probed.ldeploy("restore", "f").code == 0
    assert probed.probe("--invoke", "events", "--timeout", "60").code == 0
    shrunk = probed.shrink("--keep", "*", "--no-trim", "--no-fit")
    assert (shrunk.code, shrunk.json["state"]) == (0, "deployed")
    assert list(steps(shrunk)) == ["whitelist", "scanned files emptied", *added]


def test_the_smallest_zip_holds_the_same(probed):
    usual = probed.shrink("--plan").json["after"]
    best = probed.shrink("--plan", "--best").json["after"]
    assert best["bytes"] == usual["bytes"]
    assert best["zip_bytes"] < usual["zip_bytes"]


def test_a_trial_that_fails_names_the_steps(probed):
    shrunk = probed.shrink("--drop", "data/3/")
    assert shrunk.code == 5
    assert "--no-trim" in shrunk.err
    assert "--no-bytecode" in shrunk.err
    assert "--no-trim" not in probed.shrink("--drop", "data/3/", *NO_STEPS).err


def test_the_report_is_there_to_be_seen_again(probed):
    shrunk = probed.shrink().json
    assert json.loads(probed.ldeploy("report", "f", "--output", "json").out) == shrunk
    shutil.rmtree(probed.folder / ".ldeploy")
    assert "libraries trimmed" in probed.ldeploy("report", "f", "--bucket", "packages").out


def test_the_report_is_a_page_too(probed):
    probed.shrink("--keep", "<b>*")
    assert probed.ldeploy("report", "f", "--html", "report.html").code == 0
    written = (probed.folder / "report.html").read_text()
    assert "libraries trimmed" in written
    assert "&lt;b&gt;" in written
    assert "http" not in written.replace("http-equiv", "").replace("https://d3js.org/d3-hierarchy/", "")
    assert (probed.folder / ".ldeploy/f/page.html").read_text()[:15] == written[:15]


def test_without_a_shrink_there_is_no_report(project):
    project.probe()
    said = project.ldeploy("report", "f")
    assert (said.code, "There is no report of f yet." in said.err) == (1, True)


def test_the_library_of_these_tests_can_be_trimmed(library):
    assert ctypes.CDLL(str(library)).twice(2) == 4 + ord("o")
