"""template.yaml by SAM's own command line: built, deployed, probed, shrunk by its controller, applied, redeployed."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.functional.local_aws import RUNTIME, cloud
from tests.functional.project import Project, write

pytestmark = [pytest.mark.network, pytest.mark.slow("installs SAM's command line, and builds with it")]

ROOT = Path(__file__).parents[2]
EVENTS = "examples/tiles/events"
TOLD = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
ENOUGH = ("MinSandboxes=1", "MaxRisk=1")
DEMO = ("--stack-name", "demo", "--logical-id", "DemoFunction")


@dataclass(frozen=True)
class Checkout:
    """A clone of the repository, and SAM."""

    folder: Path
    sam: Path
    project: Project

    def run(self, *arguments: str) -> str:
        """What SAM says."""
        variables = {**os.environ, **TOLD, **self.project.cloud.aws.environment({})}
        done = subprocess.run(
            [self.sam, *arguments], cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def deploy(self) -> str:
        """The stack, as README says."""
        where = ("--stack-name", "demo", "--resolve-s3", "--capabilities", "CAPABILITY_IAM")
        return self.run("deploy", *where, "--no-progressbar", "--parameter-overrides", *ENOUGH)

    def answers(self) -> dict[str, object]:
        """What the demo function answers to each event."""
        events = sorted((self.folder / EVENTS).iterdir())
        found = {event.name: self.project.cloud.invoke("demo-tiles", json.loads(event.read_text())) for event in events}
        assert not [answer.log for answer in found.values() if answer.error]
        return {name: answer.value for name, answer in found.items()}


@pytest.fixture
def checkout(sam, tmp_path, monkeypatch, capsys):
    """What a newcomer has: the files that git has, and an AWS."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / "clone" / name)
    with cloud(settle=0) as here:
        for name, value in here.aws.environment({}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path / "clone")
        yield Checkout(tmp_path / "clone", sam, Project(here, tmp_path / "clone", capsys))


def deployed(checkout):
    """Bytes of the zip that is deployed."""
    return checkout.project.cloud.functions.get_function_configuration(FunctionName="demo-tiles")["CodeSize"]


def slim(checkout):
    """The slim zip of a fresh build, by the whitelist that the controller left in the bucket."""
    build = checkout.folder / "fresh"
    shutil.rmtree(build, ignore_errors=True)
    shutil.copytree(checkout.folder / ".aws-sam/build/DemoFunction", build, symlinks=True)
    done = checkout.project.ldeploy("apply", "whitelist.json", "fresh", "--zip", "slim.zip")
    assert done.code == 0, done.err
    return (checkout.folder / "slim.zip").read_bytes()


def test_the_template_is_valid(sam):
    command = [sam, "validate", "--lint", "--template", ROOT / "template.yaml"]
    done = subprocess.run(command, env={**os.environ, **TOLD}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


MINI = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: makefile }
    Properties: { CodeUri: ., Handler: app.handler, Runtime: RUNTIME }
"""
MAKEFILE = """
build-Fn:
	cp -r fresh/. "$(ARTIFACTS_DIR)"
	ldeploy apply whitelist.json "$(ARTIFACTS_DIR)" --quiet
"""


def test_apply_is_a_line_of_a_makefile_build(sam, project):
    write(project.folder, {"template.yaml": MINI.replace("RUNTIME", RUNTIME), "Makefile": MAKEFILE})
    assert project.probe("--invoke", "events").code == 0
    assert project.shrink().code == 0
    (project.folder / "build").rename(project.folder / "fresh")
    shutil.copy(project.folder / ".ldeploy/f/whitelist.json", project.folder / "whitelist.json")
    variables = {**os.environ, **TOLD, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run([sam, "build"], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    built = project.folder / ".aws-sam/build/Fn"
    found = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    assert {path for path in found if not path.endswith(".pyc")} == project.deployed()
    assert len(found) > len(project.deployed())


@pytest.mark.timeout(900)
def test_the_loop_through_sam(checkout):
    checkout.run("build")
    checkout.deploy()
    full, whole = checkout.answers(), deployed(checkout)
    probed = checkout.project.ldeploy("probe", *DEMO, "--invoke", EVENTS, "--output", "json")
    assert (probed.code, probed.json["failed"]) == (0, 0), probed.err

    tended = checkout.project.cloud.invoke("demo-ldeploy").value["functions"]
    assert [(row["function"], row["state"]) for row in tended] == [("demo-tiles", "deployed")], tended
    assert tended[0]["after"] < 0.75 * tended[0]["before"]
    assert checkout.answers() == full

    stack = json.loads(checkout.run("list", "stack-outputs", "--stack-name", "demo", "--output", "json"))
    bucket = next(output["OutputValue"] for output in stack if output["OutputKey"] == "LdeployBucket")
    kept = checkout.project.cloud.storage.get_object(
        Bucket=bucket, Key="ldeploy/functions/demo-tiles/deployed-whitelist.json"
    )["Body"].read()
    (checkout.folder / "whitelist.json").write_bytes(kept)
    applied = [slim(checkout), slim(checkout)]
    assert applied[0] == applied[1]

    assert checkout.project.ldeploy("apply", "whitelist.json", ".aws-sam/build/DemoFunction").code == 0
    checkout.deploy()
    assert deployed(checkout) < 0.8 * whole
    assert checkout.answers() == full
