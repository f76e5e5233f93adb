"""``ldeploy apply``: a fresh build made slim in its place, the same each time; or left as it is."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployer.limits import UNZIPPED
from tests.functional.project import FILES, write

LIB = {
    "lib/__init__.py": "from lib.core import VALUE\n",
    "lib/core.py": "VALUE = 'core'\n",
    "lib/extra.py": "VALUE = 'extra'\n",
}
DROPPED = {"unused.py", "data/never.bin", "lib/extra.py"}
APP = FILES["app.py"].replace("import json, os, used", "import json, os, used, lib")


def distribution(folder, version, files):
    """Installed as pip does it: with a RECORD."""
    info = f"lib-{version}.dist-info"
    own = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: lib\nVersion: {version}\n"}
    write(folder, own)
    rows = "".join(f"{name},,\n" for name in [*own, f"{info}/RECORD"])
    write(folder, {f"{info}/RECORD": rows})


def fresh(folder, version="1.0", **files):
    """A build as it comes out of ``sam build``."""
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, {**FILES, "app.py": APP, **files})
    distribution(folder, version, LIB if version == "1.0" else {**LIB, "lib/core.py": "VALUE = 'newer'\n"})
    return folder


@pytest.fixture
def learned(project):
    """A user who has probed a build, and keeps its whitelist in the repository."""
    fresh(project.folder / "build")
    assert project.probe("--invoke", "events").json["failed"] == 0
    assert project.shrink().code == 0
    shutil.copy(project.folder / ".ldeploy/f/whitelist.json", project.folder / "whitelist.json")
    fresh(project.folder / "build")
    project.cloud.aws.faults.forget()
    return project


def tree(folder):
    """Every file by its path: mode, time and contents."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (stat.S_IMODE(status.st_mode), int(status.st_mtime), data)
    return found


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_the_whitelist_drops_is_gone_and_the_rest_is_what_shrink_deployed(learned):
    before = files(learned.folder / "build")
    done = learned.ldeploy("apply", "whitelist.json", "build", "--output", "json")
    assert (done.code, done.json["state"], done.json["stale"]) == (0, "applied", []), done.err
    assert learned.cloud.aws.faults.journal == []
    after = files(learned.folder / "build")
    assert before - after == DROPPED
    assert {path for path in after if not path.endswith(".pyc")} == learned.deployed()
    assert done.json["after"]["files"] == len(after)
    command = [sys.executable, "-c", "import app; print(app.handler({'do': 'lazy'}, None))"]
    ran = subprocess.run(command, cwd=learned.folder / "build", capture_output=True, text=True, check=True)
    assert ran.stdout == "lazy\n"


def test_the_same_build_gives_the_same_bytes(learned):
    found = []
    for name in ("one.zip", "two.zip"):
        fresh(learned.folder / "build")
        done = learned.ldeploy("apply", "whitelist.json", "build", "--zip", name, "--output", "json")
        zipped = (learned.folder / name).read_bytes()
        assert done.json["after"]["sha256"] == hashlib.sha256(zipped).hexdigest()
        found.append((zipped, tree(learned.folder / "build")))
    assert found[0] == found[1]
    with zipfile.ZipFile(learned.folder / "one.zip") as archive:
        assert {name for name in archive.namelist() if not name.endswith("/")} == files(learned.folder / "build")


def test_a_build_that_is_slim_is_left_as_it_is(learned):
    assert learned.ldeploy("apply", "whitelist.json", "build").code == 0
    before = tree(learned.folder / "build")
    again = learned.ldeploy("apply", "whitelist.json", "build")
    assert (again.code, "it holds nothing that the whitelist drops" in again.out) == (0, True)
    assert tree(learned.folder / "build") == before


def test_bytecode_of_an_older_source_in_a_slim_build_is_made_anew(learned):
    """What an incremental build copies over a slim one: newer sources, and the bytecode is still there."""
    build = learned.folder / "build"
    assert learned.ldeploy("apply", "whitelist.json", "build").code == 0
    (build / "lib/core.py").write_text("VALUE = 'mended'\n")
    (build / "used.py").write_text("VALUE = 'edited'\n")
    command = [sys.executable, "-B", "-c", "import used, lib; print(used.VALUE, lib.VALUE)"]
    before = subprocess.run(command, cwd=build, capture_output=True, text=True, check=True).stdout
    assert before == "edited core\n"  # the function's own is compared by Python, that of a distribution is not
    again = learned.ldeploy("apply", "whitelist.json", "build", "--output", "json")
    assert (again.code, again.json["state"]) == (0, "applied")
    assert any("source was changed since: 1 path (lib/__pycache__/core." in text for text in again.json["warnings"])
    assert subprocess.run(command, cwd=build, capture_output=True, text=True, check=True).stdout == "edited mended\n"


def test_a_distribution_that_changed_is_kept_whole_and_named(learned):
    fresh(learned.folder / "build", "2.0")
    done = learned.ldeploy("apply", "whitelist.json", "build", "--output", "json")
    assert (done.code, done.json["stale"]) == (0, ["lib 1.0 → 2.0"])
    assert "Kept whole because they changed since the function was probed: lib 1.0 → 2.0." in done.json["warnings"]
    assert DROPPED & files(learned.folder / "build") == {"lib/extra.py"}


def test_evidence_that_is_out_of_date_has_an_exit_code(learned):
    fresh(learned.folder / "build", "2.0")
    before = tree(learned.folder / "build")
    refused = learned.ldeploy("apply", "whitelist.json", "build", "--strict")
    assert (refused.code, "out of date: lib 1.0 → 2.0" in refused.err) == (4, True)
    assert tree(learned.folder / "build") == before


def test_new_files_of_ones_own_are_kept(learned):
    write(learned.folder / "build", {"brand_new.py": "VALUE = 3\n"})
    done = learned.ldeploy("apply", "whitelist.json", "build", "--drop", "lazy.py", "--keep", "data/never.bin")
    assert done.code == 0
    there = files(learned.folder / "build")
    assert {"brand_new.py", "data/never.bin"} <= there
    assert "lazy.py" not in there


def test_each_step_can_be_left_out(learned):
    done = learned.ldeploy("apply", "whitelist.json", "build", "--no-bytecode", "--no-trim")
    assert done.code == 0
    assert not [path for path in files(learned.folder / "build") if path.endswith(".pyc")]


def refused(project, code, words, *arguments):
    """One sentence, that exit code, and the build as it was."""
    before = tree(project.folder / "build")
    outcome = project.ldeploy("apply", *arguments)
    said = [line for line in outcome.err.splitlines() if line.startswith("ldeploy: ")]
    assert (outcome.code, len(said)) == (code, 1), outcome.err
    assert words in said[0]
    assert tree(project.folder / "build") == before
    assert [path.name for path in project.folder.glob(".build*")] == []


def test_a_folder_that_is_none(learned):
    refused(learned, 2, "no folder or zip nowhere", "whitelist.json", "nowhere")
    refused(learned, 2, "no folder", "whitelist.json", "nowhere/at/all")
    (learned.folder / "empty").mkdir()
    refused(learned, 1, "holds no files", "whitelist.json", "empty")


def test_a_build_of_another_function(learned):
    write(learned.folder / "other", {"main.py": "x = 1\n", "app.py": "x = 2\n"})
    refused(learned, 1, "it is another build", "whitelist.json", "other")


@pytest.mark.parametrize("text", ["", "{}", '{"version": 99}', '{"version": 1, "package": 3}', "[" * 9999])
def test_a_whitelist_that_is_none(learned, text):
    (learned.folder / "bad.json").write_text(text)
    refused(learned, 1, "The whitelist is", "bad.json", "build")


def test_a_whitelist_that_is_not_there(learned):
    refused(learned, 2, "no.json cannot be read", "no.json", "build")


def test_an_older_whitelist_does_not_say_for_which_runtime(learned):
    known = json.loads((learned.folder / "whitelist.json").read_text())
    assert known.pop("runtime").startswith("python3.")
    (learned.folder / "older.json").write_text(json.dumps(known))
    refused(learned, 2, "--runtime", "older.json", "build")
    assert learned.ldeploy("apply", "older.json", "build", "--runtime", "python3.11").code == 0


def test_a_build_over_the_limit(learned):
    with (learned.folder / "build/heavy.bin").open("wb") as heavy:
        heavy.truncate(UNZIPPED)
    plain = learned.ldeploy("apply", "whitelist.json", "build")
    assert (plain.code, "--zip" in plain.err, "heavy.bin" in plain.err) == (3, True, True)
    assert (learned.folder / "build/unused.py").exists()
    done = learned.ldeploy("apply", "whitelist.json", "build", "--zip", "slim.zip", "--output", "json")
    assert (done.code, done.json["needs"]["Environment"]) == (0, "AWS_LAMBDA_EXEC_WRAPPER: /var/task/.ldeploy/start")
    assert done.json["after"]["bytes"] < UNZIPPED
    assert (learned.folder / "build/heavy.bin").is_symlink()


KILL = """
import os, signal, sys
from pathlib import Path
from deployer import cli
count, at = int(sys.argv[1]), 0

def rename(self, target, real=Path.rename):
    global at
    at += "build" in str(self) and "/.build.ldeploy" in str(self) + str(target) and self.is_dir()
    if at == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, target)

Path.rename = rename
cli.main(["apply", "whitelist.json", "build"])
"""


@pytest.mark.parametrize("at", [1, 2])
def test_a_run_that_was_killed_can_be_run_again(learned, at):
    """Before the build is moved away, and before the slim one takes its place."""
    build = learned.folder / "build"
    command = [sys.executable, "-c", KILL, str(at)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, cwd=learned.folder, env=environment, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL
    assert build.exists() == (at == 1)
    assert learned.ldeploy("apply", "whitelist.json", "build").code == 0
    assert not DROPPED & files(build)
    assert [path.name for path in learned.folder.glob(".build*")] == []


def test_paths_that_are_no_text_and_symlinks_come_through(learned):
    build = learned.folder / "build"
    odd = build / os.fsdecode(b"data/\xff\xfe.txt")
    odd.write_text("odd")
    (build / "link.py").symlink_to("used.py")
    (build / "hollow").mkdir()
    done = learned.ldeploy("apply", "whitelist.json", "build", "--output", "json")
    assert (done.code, "data/\udcff\udcfe.txt" in done.json["warnings"][0]) == (0, True)
    assert odd.exists()
    assert (build / "link.py").readlink().name == "used.py"
    assert (build / "hollow").is_dir()


# -- a zip, and the whitelist that is made for commits -----------------------------------------------------------


def zipped(folder, path):
    """The build as a tool zips it: in its own order, with its own dates."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            if file.is_file():
                info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), (2001, 2, 3, 4, 5, 6))
                info.external_attr = 0o644 << 16
                archive.writestr(info, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def held(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: info.date_time for info in archive.infolist() if not info.filename.endswith("/")}


def test_a_zip_is_made_slim_in_place_with_the_dates_of_its_entries(learned):
    path = zipped(learned.folder / "build", learned.folder / "asset.0123.zip")
    path.chmod(0o640)
    before = held(path)
    done = learned.ldeploy("apply", "whitelist.json", path.name, "--output", "json")
    assert (done.code, done.json["state"], done.json["zip"]) == (0, "applied", ""), done.err
    after = held(path)
    assert before.keys() - after.keys() == DROPPED
    assert {name: after[name] for name in ("app.py", "used.py")} == dict.fromkeys(
        ("app.py", "used.py"), before["app.py"]
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert done.json["after"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [one.name for one in learned.folder.iterdir() if one.name.startswith(".asset")] == []
    slim = path.read_bytes()
    again = learned.ldeploy("apply", "whitelist.json", path.name, "--strict", "--output", "json")
    assert (again.code, again.json["state"], path.read_bytes()) == (0, "unchanged", slim)


def test_a_zip_stays_as_it_is_where_another_is_named(learned):
    path = zipped(learned.folder / "build", learned.folder / "full.zip")
    full = path.read_bytes()
    assert learned.ldeploy("apply", "whitelist.json", "full.zip", "--zip", "dist/slim.zip").code == 0
    assert path.read_bytes() == full
    slim = (learned.folder / "dist/slim.zip").read_bytes()
    assert held(learned.folder / "dist/slim.zip").keys().isdisjoint(DROPPED)
    again = learned.ldeploy("apply", "whitelist.json", "dist/slim.zip", "--zip", "same.zip")
    assert (again.code, (learned.folder / "same.zip").read_bytes()) == (0, slim)


def test_the_exported_whitelist_makes_the_same_build_of_folder_and_zip(learned):
    assert learned.shrink("--export", "ldeploy.json").code == 0
    text = (learned.folder / "ldeploy.json").read_text()
    assert "request" not in text
    path = zipped(learned.folder / "build", learned.folder / "a.zip")
    for build in ("build", "a.zip"):
        done = learned.ldeploy("apply", "ldeploy.json", build, "--strict", "--output", "json")
        assert (done.code, done.json["state"], done.json["stale"]) == (0, "applied", []), done.err
        again = learned.ldeploy("apply", "ldeploy.json", build, "--strict", "--output", "json")
        assert (again.code, again.json["state"]) == (0, "unchanged"), again.err
    assert held(path).keys() == files(learned.folder / "build")
    assert DROPPED.isdisjoint(held(path))
    fresh(learned.folder / "build")
    by_whole = learned.ldeploy("apply", "whitelist.json", "build", "--output", "json").json["after"]["sha256"]
    fresh(learned.folder / "build")
    assert learned.ldeploy("apply", "ldeploy.json", "build", "--output", "json").json["after"]["sha256"] == by_whole


def test_two_at_once_leave_one_slim_build(learned):
    command = [sys.executable, "-c", "from deployer.cli import main; main()", "apply", "whitelist.json", "build"]
    both = [subprocess.Popen([*command, "--output", "json"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    states = [json.loads(one.communicate(timeout=200)[0])["state"] for one in both]
    assert sorted(states) == ["applied", "unchanged"]
    assert files(learned.folder / "build").isdisjoint(DROPPED)


def test_the_state_of_ldeploy_is_left_out_of_a_build(learned):
    shutil.copytree(learned.folder / ".ldeploy", learned.folder / "build/.ldeploy")
    for _ in range(2):  # also where the build is slim already
        done = learned.ldeploy("apply", "whitelist.json", "build")
        assert (done.code, "is left out" in done.err) == (0, True)
        assert not (learned.folder / "build/.ldeploy").exists()
        shutil.copytree(learned.folder / ".ldeploy", learned.folder / "build/.ldeploy")


def test_one_zip_of_several_functions_keeps_what_any_of_them_needs(learned):
    project = learned
    kept = json.loads((project.folder / "whitelist.json").read_text())
    kept["decisions"]["unused.py"] |= {"kept": True, "reason": "opened"}
    (project.folder / "other.json").write_text(json.dumps(kept))
    done = project.ldeploy("apply", "whitelist.json", "build", "--whitelist", "other.json")
    assert done.code == 0, done.err
    assert (project.folder / "build/unused.py").exists()
    assert not (project.folder / "build/data/never.bin").exists()
    assert project.ldeploy("apply", "whitelist.json", "build", "--whitelist", "other.json").code == 0


def test_a_guarded_zip_serves_what_was_dropped_with_the_wrapper_that_the_template_gives(learned):
    refused(learned, 2, "is a zip", "whitelist.json", "build", "--guard", "inside")
    applied = learned.ldeploy(
        "apply", "whitelist.json", "build", "--zip", "slim.zip", "--guard", "inside", "--output", "json"
    )
    assert applied.code == 0, applied.err
    name, _, wrapper = applied.json["needs"]["Environment"].partition(": ")
    settings = {"Environment": {"Variables": {name: wrapper}}, "Code": {"ZipFile": Path("slim.zip").read_bytes()}}
    learned.cloud.create("g", "", **settings)
    assert learned.cloud.invoke("g", {}).value == "opened"
    learned.cloud.functions.update_function_configuration(FunctionName="g", Handler="unused.handler")
    learned.cloud.settle("g")
    assert "handler" in str(learned.cloud.invoke("g", {}).value)
    assert any("ldeploy-guard/1" in message and "unused.py" in message for message in learned.cloud.messages("g"))
