"""Whatever cuts a run off, the same command or restore leads to a right end."""

import pytest

from tests.functional.children import child
from tests.functional.project import CREATE, FILES, KILLED, killed, write

PROBE = ("probe", "f", "--package", "build", "--bucket", "packages", "--invoke", "events", "--memory", "512", "--yes")
SHRINK = ("shrink", "f", "--from-logs", "--yes")
NEEDED = {"app.py", "used.py", "lazy.py", "data/opened.txt", "data/looked_at.txt"}
BEFORE = {"app.py": "def handler(event, context): return 'before'\n"}


@pytest.fixture
def present(project):
    """A function that was there before ldeploy, with an environment of its own."""
    project.cloud.create("f", BEFORE, Environment={"Variables": {"MINE": "stays"}})
    return project


@pytest.mark.parametrize("step", range(1, 12))
def test_a_probe_that_was_killed_can_be_run_again_and_undone(present, step):
    before = present.configuration()
    was_killed = killed(present, step, PROBE)
    assert was_killed == (step < 11)
    assert present.cloud.invoke("f").value in {"before", "opened"}
    assert present.ldeploy(*PROBE).code == 0
    assert present.ldeploy(*SHRINK).code == 0
    assert present.deployed() == NEEDED
    assert present.ldeploy("restore", "f").code == 0
    assert present.configuration() == before


@pytest.mark.parametrize("step", range(4, 10))
def test_a_probe_that_was_killed_can_be_restored_at_once(present, step):
    before = present.configuration()
    assert killed(present, step, PROBE)
    assert present.ldeploy("restore", "f").code == 0
    assert present.configuration() == before


@pytest.mark.parametrize("step", range(1, 11))
def test_a_shrink_that_was_killed_can_be_run_again_and_undone(present, step):
    before = present.configuration()
    assert present.ldeploy(*PROBE).code == 0
    was_killed = killed(present, step, SHRINK)
    assert was_killed == (step < 10)
    assert present.cloud.invoke("f").value == "opened"
    assert present.ldeploy(*SHRINK).code == 0
    assert present.deployed() == NEEDED
    assert present.cloud.invoke("f", {"do": "lazy"}).value == "lazy"
    assert present.ldeploy("restore", "f").code == 0
    assert present.configuration() == before


@pytest.mark.parametrize("step", range(1, 8))
def test_a_shrink_that_was_killed_can_be_restored_at_once(present, step):
    before = present.configuration()
    assert present.ldeploy(*PROBE).code == 0
    assert killed(present, step, SHRINK)
    assert present.ldeploy("restore", "f").code == 0
    assert present.configuration() == before


@pytest.mark.parametrize("step", range(1, 10))
def test_a_creation_that_was_killed_can_be_run_again(project, step):
    command = ("probe", "f", "--package", "build", "--bucket", "packages", *CREATE, "--yes")
    done = child(KILLED, project.cloud, project.folder, str(step), *command)
    assert done.returncode == (-9 if step < 9 else 0), done.stderr
    assert project.ldeploy(*command).code == 0
    project.cloud.invoke("f")
    assert project.ldeploy(*SHRINK).code == 0
    assert project.deployed() == {"app.py", "used.py", "data/opened.txt"}
    assert project.ldeploy("restore", "f").code == 0
    assert project.deployed() == set(FILES)


@pytest.mark.parametrize("step", range(1, 4))
def test_a_restore_that_was_killed_can_be_run_again(present, step):
    before = present.configuration()
    assert present.ldeploy(*PROBE).code == 0
    assert killed(present, step, ("restore", "f"))
    assert present.ldeploy("restore", "f").code == 0
    assert present.configuration() == before


@pytest.mark.parametrize("kind", ["throttle", "error", "lose_request", "lose_answer"])
@pytest.mark.parametrize("operation", ["lambda.UpdateFunctionConfiguration", "lambda.UpdateFunctionCode", "s3.*"])
def test_what_aws_drops_or_refuses_for_a_moment_is_asked_again(present, kind, operation):
    before = present.configuration()
    present.cloud.aws.faults.order(operation, kind, times=1)
    first = present.ldeploy(*PROBE)
    again = first if first.code == 0 else present.ldeploy(*PROBE)
    assert again.code == 0, again.err
    present.cloud.aws.faults.clear()
    assert present.ldeploy(*SHRINK).code == 0
    assert present.ldeploy("restore", "f").code == 0
    assert present.configuration() == before


def test_an_update_that_is_under_way_is_waited_for(project):
    write(project.folder / "build", FILES)
    project.cloud.create("f", BEFORE)
    project.cloud.functions.update_function_configuration(FunctionName="f", Timeout=20)
    assert project.ldeploy(*PROBE).code == 0


def test_somebody_else_s_change_is_not_overwritten(present):
    theirs = f"""
import boto3, sys
from dataclasses import replace
from deployer import cli
from deployer.commands import options
from deployer.deploy import steps

class Disturbed(options.Common):
    def executor(self):
        return replace(super().executor(), after=disturb)

def disturb(step):
    if isinstance(step, steps.UpdateCode):
        boto3.client("lambda").update_function_configuration(FunctionName="f", Timeout=33)

options.Common = Disturbed
cli.main({list(PROBE)!r})
"""
    done = child(theirs, present.cloud, present.folder)
    assert done.returncode == 1
    assert "changed the function meanwhile" in done.stderr
    assert present.configuration()["Timeout"] == 33
    assert present.ldeploy(*PROBE).code == 0
    assert present.configuration()["Timeout"] == 33


def test_two_at_once_do_not_mix_their_files(present):
    meanwhile = """
import subprocess, sys
from dataclasses import replace
from deployer import cli
from deployer.commands import options
from deployer.deploy import steps

class Doubled(options.Common):
    def executor(self):
        return replace(super().executor(), after=again)

def again(step):
    if isinstance(step, steps.Upload):
        code = "import sys; from deployer import cli; cli.main(sys.argv[1:])"
        for command in (["status", "f"], ["restore", "f", "--yes"]):
            subprocess.run([sys.executable, "-c", code, *command])

options.Common = Doubled
cli.main(sys.argv[1:])
"""
    present.ldeploy(*PROBE)
    done = child(meanwhile, present.cloud, present.folder, *SHRINK)
    assert done.returncode == 0
    assert "f: probed" in done.stdout
    assert "Another ldeploy is at work on f" in done.stderr


CHAINED = """
        own = super().executor()
        return replace(own, after=lambda step: (own.after(step), kill(step)))
"""


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(present):
    chained = KILLED.replace("return replace(super().executor(), after=kill)", CHAINED)
    interrupted = chained.replace("signal.SIGKILL", "signal.SIGINT")
    done = child(interrupted, present.cloud, present.folder, "7", *PROBE)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "Interrupted. Done so far: + " in done.stderr
    assert "To undo it: ldeploy restore f." in done.stderr
    assert "ldeploy status f" in done.stderr
    assert present.ldeploy(*PROBE).code == 0
