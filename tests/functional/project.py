"""A user in a folder of their own, with ldeploy and a small function on the embedded AWS."""

import json
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer import cli
from tests.functional.children import child
from tests.functional.local_aws import ROLE, RUNTIME, Cloud
from tests.images import ARCHITECTURE

APP = """
import json, os, used
HERE = os.path.dirname(os.path.abspath(__file__))

def handler(event, context):
    if event.get("do") == "lazy":
        import lazy
        return lazy.VALUE
    if event.get("do") == "look":
        return os.path.exists(os.path.join(HERE, "data/looked_at.txt"))
    if event.get("do") == "clock":
        import time
        return time.time()
    if event.get("do") == "fail":
        raise ValueError("as asked")
    with open(os.path.join(HERE, "data/opened.txt")) as file:
        return file.read()
"""
FILES = {
    "app.py": APP,
    "used.py": "VALUE = 1\n",
    "lazy.py": "VALUE = 'lazy'\n",
    "unused.py": "VALUE = 2\n" * 1000,
    "data/opened.txt": "opened",
    "data/looked_at.txt": "looked at",
    "data/never.bin": "never" * 1000,
}
CREATE = (
    *("--create", "--role", ROLE, "--handler", "app.handler", "--runtime", RUNTIME),
    *("--architecture", ARCHITECTURE),
)
CHANGES = ("Create", "Update", "Publish", "Put", "Delete", "Complete", "Upload")
"""How the names of the operations begin that change something."""


@dataclass(frozen=True)
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its one JSON object."""
        return dict(json.loads(self.out))


@dataclass(frozen=True)
class Project:
    """A folder with a package in ``build/`` and events in ``events/``."""

    cloud: Cloud
    folder: Path
    capsys: Any

    def ldeploy(self, *arguments: str) -> Outcome:
        """One command, in this process; ``--yes`` is added where it changes something."""
        return self.unattended(*agreed(arguments))

    def unattended(self, *arguments: str) -> Outcome:
        """One command as it is, in this process: no terminal is there to ask on."""
        self.capsys.readouterr()
        try:
            cli.main(arguments)
        except SystemExit as ended:
            said = self.capsys.readouterr()
            return Outcome(int(ended.code or 0), said.out, said.err)
        raise AssertionError("a command ends with an exit code")

    def probe(self, *arguments: str) -> Outcome:
        """A new function with the probe in."""
        package = ("--package", "build", "--bucket", "packages", *CREATE)
        return self.ldeploy("probe", "f", *package, *arguments, "--output", "json")

    def shrink(self, *arguments: str) -> Outcome:
        """From what the log tells."""
        return self.ldeploy("shrink", "f", "--from-logs", *arguments, "--output", "json")

    def configuration(self, qualifier: str = "$LATEST") -> dict[str, Any]:
        """What a client sees of the function, without what is new at each update."""
        found = self.cloud.functions.get_function_configuration(FunctionName="f", Qualifier=qualifier)
        passing = {"FunctionArn", "LastModified", "RevisionId", "Version", "Description", "ResponseMetadata"}
        return {name: value for name, value in found.items() if name not in passing}

    def deployed(self) -> set[str]:
        """The files that Lambda holds, bytecode left out."""
        url = self.cloud.functions.get_function(FunctionName="f")["Code"]["Location"]
        path = self.folder / "deployed.zip"
        with urllib.request.urlopen(url) as answer:
            path.write_bytes(answer.read())
        with zipfile.ZipFile(path) as archive:
            return {name for name in archive.namelist() if not name.endswith(("/", ".pyc"))}

    def changes(self) -> list[str]:
        """The operations so far that change something."""
        return [name for name in self.cloud.aws.faults.journal if name.split(".")[1].startswith(CHANGES)]


def agreed(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The command with ``--yes``, where it changes something."""
    changes = arguments[0] in {"probe", "shrink", "deploy", "restore"} and "--plan" not in arguments
    return (*arguments, "--yes") if changes and "--yes" not in arguments else arguments


def write(folder: Path, files: dict[str, str]) -> Path:
    """Files in a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def events(folder: Path, **contents: Any) -> Path:
    """A folder of events, a file each."""
    return write(folder, {f"{name}.json": json.dumps(content) for name, content in contents.items()})


KILLED = """
import os, signal, sys
from dataclasses import replace
from deployer import cli, pipeline
from deployer.commands import options

count, after = int(sys.argv[1]), 0

class Killed(options.Common):
    def executor(self):
        return replace(super().executor(), after=kill)

def kill(step):
    global after
    after += 1
    if after == count:
        os.kill(os.getpid(), signal.SIGKILL)

options.Common = Killed
cli.main(sys.argv[2:])
"""
"""ldeploy, killed after its n-th step."""


def killed(project: Project, step: int, command: tuple[str, ...]) -> bool:
    """Whether there was such a step to be killed after."""
    done = child(KILLED, project.cloud, project.folder, str(step), *agreed(command))
    assert done.returncode in {0, -9}, done.stderr
    project.cloud.settle("f")
    return done.returncode == -9
