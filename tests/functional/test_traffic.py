"""Traffic while a function is deployed: no invocation fails, and none is answered by a package that was not tried."""

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.config import Config

from tests.functional.local_aws import client
from tests.functional.project import FILES, Project, write

APP = """
import os, used
HERE = os.path.dirname(os.path.abspath(__file__))

def handler(event, context):
    if event.get("do") == "lazy":
        import lazy
    if event.get("do") == "which":
        return "slim" if os.path.exists(used.__cached__) else "full"
    with open(os.path.join(HERE, "data/opened.txt")) as file:
        return file.read()
"""
WHICH = {"do": "which"}
"""Not among the recorded events: asks whether ldeploy put bytecode into the package."""
FEW = pytest.param(100, 5)
MANY = pytest.param(1000, 20, marks=pytest.mark.slow("a thousand invocations"))


@dataclass
class Traffic:
    """Invocations side by side."""

    project: Project
    count: int
    beside: int
    qualifier: str = "$LATEST"
    answers: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    over: Any = field(default_factory=threading.Event)

    def send(self, functions: Any, numbers: Iterator[int]) -> None:
        """One after the other, until enough were sent and the command is over."""
        while next(numbers) < self.count or not self.over.is_set():
            try:
                answer = functions.invoke(FunctionName="f", Qualifier=self.qualifier, Payload=json.dumps(WHICH))
                content = json.loads(answer["Payload"].read())
            except Exception as error:
                self.failed.append(f"{error}")
                return
            if answer.get("FunctionError"):
                self.failed.append(f"{content}")
            else:
                self.answers.append(content)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Send for the length of the block, and until all are sent."""
        once = Config(retries={"total_max_attempts": 1}, max_pool_connections=self.beside, read_timeout=120)
        functions, numbers = client(self.project.cloud.aws, "lambda", config=once), itertools.count()
        with ThreadPoolExecutor(self.beside) as pool:
            sending = [pool.submit(self.send, functions, numbers) for _ in range(self.beside)]
            try:
                yield
            finally:
                self.over.set()
        for one in sending:
            one.result()
        functions.close()


@pytest.fixture
def probed(project):
    """A probed function with recorded events."""
    write(project.folder / "build", {**FILES, "app.py": APP})
    (project.folder / "events" / "look.json").unlink()
    done = project.probe("--invoke", "events")
    assert done.code == 0, done.err
    return project


def lead(project):
    """An alias leads to what is deployed."""
    version = project.cloud.functions.publish_version(FunctionName="f")["Version"]
    project.cloud.functions.create_alias(FunctionName="f", Name="live", FunctionVersion=version)


@pytest.mark.parametrize(("count", "beside"), [FEW, MANY])
def test_no_invocation_fails_while_a_package_that_passes_its_trial_is_deployed(probed, count, beside):
    traffic = Traffic(probed, count, beside)
    with traffic.flowing():
        shrunk = probed.shrink()
    assert shrunk.code == 0, shrunk.err
    assert traffic.failed == []
    assert len(traffic.answers) >= count
    assert probed.cloud.invoke("f", WHICH).value == "slim"


@pytest.mark.parametrize(("count", "beside"), [FEW, MANY])
@pytest.mark.parametrize("alias", [False, True])
def test_no_invocation_is_answered_by_a_package_that_fails_its_trial(probed, alias, count, beside):
    if alias:
        lead(probed)
    traffic = Traffic(probed, count, beside, "live" if alias else "$LATEST")
    with traffic.flowing():
        failed = probed.shrink("--drop", "lazy.py")
    assert failed.code == 5, failed.err
    assert (traffic.failed, set(traffic.answers)) == ([], {"full"})
    assert len(traffic.answers) >= count


@pytest.mark.parametrize(("count", "beside"), [FEW, MANY])
def test_no_invocation_fails_while_traffic_is_shifted_and_shifted_back(probed, count, beside):
    lead(probed)
    traffic = Traffic(probed, count, beside, "live")
    shift = ("--alias", "live", "--canary", "50%", "--for", "10m", "--no-wait")
    with traffic.flowing():
        ends = [probed.shrink(*shift), probed.ldeploy("shift", "back", "f", "--yes")]
        ends += [probed.shrink(*shift), probed.ldeploy("shift", "finish", "f", "--yes")]
    assert [end.code for end in ends] == [0, 0, 0, 0], [end.err for end in ends]
    assert traffic.failed == []
    assert len(traffic.answers) >= count
    assert probed.cloud.invoke("f", WHICH, Qualifier="live").value == "slim"
