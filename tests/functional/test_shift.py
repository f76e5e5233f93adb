"""Traffic is shifted to a new version, watched, and goes on or back by itself; a run that is cut off is taken up.

Time is handed in: waiting moves the clock on and sends traffic.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from deployer import pipeline
from deployer.aws import open_aws
from deployer.context import Context
from deployer.deploy.executor import Executor
from deployer.errors import ConflictError, DeniedError, TrialFailedError
from deployer.flow.models import Delivery, RestoreRequest, ShrinkRequest
from deployer.flow.shift import end
from deployer.models.settings import Guarding, Settings
from deployer.models.whitelist import Rules
from deployer.notices import Silent
from deployer.sources.reader import Window
from deployer.state.shift import Canary
from deployer.state.workspace import Workspace
from tests.functional.project import Project

ALIAS = {"FunctionName": "f", "Name": "live"}


class CutOffError(BaseException):
    """Stands for a kill: nothing of ldeploy's catches it."""


@dataclass
class Shifting:
    """A probed function with an alias, and its traffic."""

    project: Project
    event: dict[str, Any] = field(default_factory=dict)
    passed: int = 0
    """Milliseconds that were waited."""
    waits: int = 0
    requests: int = 8
    """Sent in each wait."""
    at_wait: dict[int, Any] = field(default_factory=dict)
    """Number of a wait -> what happens in it."""

    def now(self):
        return time.time_ns() // 1_000_000 + self.passed

    def sleep(self, seconds):
        self.passed += int(1000 * seconds)
        self.waits += 1
        self.at_wait.get(self.waits, lambda: None)()
        for _ in range(self.requests):
            self.project.cloud.invoke("f", self.event, Qualifier="live")

    def context(self, folder=".ldeploy/f"):
        """The surroundings of a command in any folder."""
        aws = open_aws(None, None, None)
        return Context(aws, Workspace("f", Path(folder), aws.storage, "packages"), Silent(), self.now, self.sleep)

    def shrink(self, folder=".ldeploy/f", canary=None):
        """Half of the traffic for a minute."""
        canary = canary or Canary(0.5, 60_000)
        delivery = Delivery(alias="live", canary=canary)
        settings = Settings(guard=Guarding.OFF)
        request = ShrinkRequest("f", Rules(), Window(), 1, None, settings, "events", delivery)
        return pipeline.shrink(self.context(folder), AGREED, request)

    def leads_to(self):
        """Where the alias leads."""
        alias = self.project.cloud.functions.get_alias(**ALIAS)
        return alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}

    def state(self):
        """What ``status`` calls the state, and the code that is deployed."""
        status = self.project.ldeploy("status", "f", "--output", "json").json
        return status["state"], status["deployed"]


AGREED = Executor(lambda steps: True)


@pytest.fixture
def shifting(project):
    """Yield a function that was probed with events that import no ``lazy``, and leads ``live`` to version 1."""
    assert project.probe().code == 0
    project.cloud.functions.create_alias(**ALIAS, FunctionVersion="1")
    project.cloud.invoke("f", {})
    return Shifting(project)


def test_a_good_version_gets_all_of_the_traffic(shifting):
    seen = []
    shifting.at_wait = {3: lambda: seen.append((shifting.leads_to(), shifting.state()))}
    report = shifting.shrink()
    assert report.state == "deployed"
    assert "no worse than the old one" in report.shift
    assert seen == [(("1", {report.version: 0.5}), ("shifting", "slim"))]
    assert (shifting.leads_to(), shifting.state()) == ((report.version, {}), ("shrunk", "slim"))
    assert shifting.project.ldeploy("report", "f", "--output", "json").json["state"] == "deployed"
    assert shifting.project.ldeploy("restore", "f").code == 0
    assert shifting.leads_to() == ("1", {})


def test_a_bad_version_goes_back_by_itself_before_its_time_is_over(shifting):
    before = shifting.project.configuration()
    shifting.event = {"do": "lazy"}
    with pytest.raises(TrialFailedError, match="failed") as failed:
        shifting.shrink()
    assert "at the same time 0 (0.0 %)" in failed.value.what
    assert shifting.waits < 10
    assert (shifting.leads_to(), shifting.state()) == (("1", {}), ("probed", "full"))
    assert shifting.project.configuration() == before


@pytest.mark.parametrize("good", [True, False])
def test_what_a_run_left_that_was_cut_off_is_taken_up_from_another_folder(shifting, good, tmp_path):
    def cut():
        raise CutOffError

    shifting.at_wait = {2: cut}
    with pytest.raises(CutOffError):
        shifting.shrink()
    assert shifting.leads_to()[0] == "1"
    assert shifting.state() == ("shifting", "slim")
    shifting.event = {} if good else {"do": "lazy"}
    if good:
        report = shifting.shrink(tmp_path / "elsewhere")
        assert (shifting.leads_to(), report.state) == ((report.version, {}), "deployed")
        return
    with pytest.raises(TrialFailedError):
        shifting.shrink(tmp_path / "elsewhere")
    assert (shifting.leads_to(), shifting.state()) == (("1", {}), ("probed", "full"))


def test_a_run_that_was_cut_off_before_any_traffic_was_shifted_begins_its_time_anew(shifting):
    shifting.shrink(canary=Canary(0.5, 60_000, wait=False))
    workspace = shifting.context().workspace
    workspace.save_shift("packages", replace(workspace.shift("packages"), began=0))
    shifting.project.cloud.functions.update_alias(
        **ALIAS, FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {}}
    )
    report = shifting.shrink()
    assert (shifting.waits > 10, shifting.leads_to()) == (True, (report.version, {}))


def test_what_may_not_be_shifted_is_taken_back_at_once(shifting):
    shifting.project.cloud.aws.faults.order("lambda.UpdateAlias", "deny", times=1)
    with pytest.raises(DeniedError, match="move the alias live"):
        shifting.shrink()
    assert (shifting.leads_to(), shifting.state()) == (("1", {}), ("probed", "full"))


def test_restore_in_the_middle_of_a_shift_leads_everything_back(shifting, tmp_path):
    def restore():
        pipeline.restore(shifting.context(tmp_path / "elsewhere"), AGREED, RestoreRequest("f"))

    shifting.at_wait = {2: restore}
    with pytest.raises(TrialFailedError, match="it is restored now"):
        shifting.shrink()
    assert (shifting.leads_to(), shifting.state()) == (("1", {}), ("restored", "full"))


def test_an_alias_that_somebody_else_moves_stays_where_they_led_it(shifting):
    def move():
        shifting.project.cloud.functions.publish_version(FunctionName="f", Description="theirs")
        shifting.project.cloud.functions.update_alias(
            **ALIAS, FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {}}
        )
        shifting.project.cloud.functions.update_alias(
            **ALIAS, FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.9}}
        )

    shifting.at_wait = {2: move}
    with pytest.raises(ConflictError, match="Somebody else led the alias live"):
        shifting.shrink()
    assert shifting.leads_to() == ("1", {"2": 0.9})


def test_with_too_little_traffic_it_goes_back_and_says_so(shifting):
    shifting.requests = 0
    with pytest.raises(TrialFailedError, match="too little traffic to tell") as failed:
        shifting.shrink()
    assert "--too-few finish" in failed.value.advice
    assert shifting.leads_to() == ("1", {})


def test_requests_that_are_throttled_are_watched_by_the_metrics(shifting):
    """They leave no line in the log. Of those to the new version all are refused: as if it took too long for each."""
    shifting.shrink(canary=Canary(0.5, 60_000, wait=False))
    old, weights = shifting.leads_to()
    functions = shifting.project.cloud.functions
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    for _ in range(20):
        with pytest.raises(functions.exceptions.TooManyRequestsException):
            functions.invoke(FunctionName="f", Qualifier="live")
    functions.delete_function_concurrency(FunctionName="f")
    status = shifting.project.ldeploy("shift", "status", "f", "--output", "json").json
    assert status["new"]["throttles"] + status["old"]["throttles"] == 20
    assert 0 < status["new"]["throttles"] < 20
    assert (status["old_version"], status["version"]) == (old, *weights)


def test_who_may_not_read_the_metrics_is_told_and_the_rest_is_watched(shifting):
    shifting.project.cloud.aws.faults.order("monitoring.GetMetricData", "deny", times=99)
    shifting.project.shrink("--canary", "50%", "--no-wait")
    shown = shifting.project.ldeploy("shift", "status", "f")
    assert (shown.code, "Allow cloudwatch:GetMetricData" in shown.err) == (0, True)


def test_who_interrupts_a_shift_takes_it_back(shifting):
    def interrupt():
        raise KeyboardInterrupt

    shifting.at_wait = {2: interrupt}
    with pytest.raises(KeyboardInterrupt):
        shifting.shrink()
    assert (shifting.leads_to(), shifting.state()) == (("1", {}), ("probed", "full"))


def test_no_request_fails_while_traffic_is_shifted_and_taken_back(shifting):
    """At eight side by side: each is served by the old version or by the new one, which has passed its trial."""
    answers, done = [], Event()

    def send():
        while not done.is_set():
            answers.append(shifting.project.cloud.invoke("f", {}, Qualifier="live"))

    def back():
        end(shifting.context(), AGREED, "f", forward=False, over_others=False)

    shifting.at_wait = {4: back}
    with ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send) for _ in range(8)]
        try:
            with pytest.raises(TrialFailedError, match="it is probed now"):
                shifting.shrink()
        finally:
            done.set()
    assert not [one.exception() for one in sending if one.exception()]
    assert len(answers) > 8
    assert {one.value for one in answers} == {"opened"}
    assert {one.version for one in answers} <= {"1", "2"}


# -- the command line ------------------------------------------------------------------------------------------


def test_without_an_alias_no_traffic_can_be_shifted(project):
    project.probe("--invoke", "events")
    refused = project.shrink("--canary", "10%")
    assert (refused.code, "Name one with --alias" in refused.err) == (2, True)
    assert project.shrink("--for", "15m").code == 2
    assert project.shrink("--canary", "110%").code == 2


def test_a_shift_is_looked_at_and_ended_by_hand(shifting):
    project = shifting.project
    planned = project.shrink("--canary", "10%", "--for", "2h", "--plan").json
    assert "send 10% of the traffic of the alias live of f to the new version for 2 h" in "\n".join(planned["plan"])
    assert shifting.leads_to() == ("1", {})
    begun = project.shrink("--canary", "10%", "--for", "2h", "--no-wait")
    assert (begun.code, begun.json["state"]) == (0, "shifting")
    version = begun.json["version"]
    assert shifting.leads_to() == ("1", {version: 0.1})
    project.cloud.invoke("f", {}, Qualifier=version)
    status = project.ldeploy("shift", "status", "f", "--output", "json").json
    assert (status["state"], status["new"]["invocations"], status["verdict"]) == ("shifting", 1, "wait")
    assert "10% of the traffic of live" in project.ldeploy("shift", "status", "f").out
    assert project.probe().code == 1
    back = project.ldeploy("shift", "back", "f", "--yes", "--output", "json")
    assert (back.code, back.json["state"]) == (0, "taken_back")
    assert (shifting.leads_to(), shifting.state()) == (("1", {}), ("probed", "full"))
    assert project.ldeploy("shift", "back", "f", "--yes").code == 1
    version = project.shrink("--canary", "10%", "--no-wait").json["version"]
    finished = project.ldeploy("shift", "finish", "f", "--yes", "--output", "json")
    assert (finished.code, finished.json["state"]) == (0, "deployed")
    assert (shifting.leads_to(), shifting.state()) == ((version, {}), ("shrunk", "slim"))
    assert json.loads((project.folder / ".ldeploy/f/report.json").read_text())["version"] == version


def test_the_exit_code_says_that_it_was_taken_back(shifting):
    failed = shifting.project.shrink("--canary", "10%", "--for", "1s")
    assert (failed.code, failed.json["error"]["code"]) == (5, 5)
    done = shifting.project.shrink("--canary", "10%", "--for", "1s", "--too-few", "finish")
    assert (done.code, done.json["state"]) == (0, "deployed")
