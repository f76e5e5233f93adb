"""ldeploy as a Lambda function: tagged functions are shrunk when their logs tell enough, and no others are touched."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployer import controller
from deployer.aws import open_aws
from deployer.models.function import function_key
from deployer.state.lease import leased
from deployer.state.stages import Stage
from deployer.state.workspace import Workspace
from tests.functional.local_aws import ROLE, client
from tests.functional.project import CREATE, killed

SETTINGS = {
    "LDEPLOY_BUCKET": "packages",
    "LDEPLOY_TAG": "ldeploy=auto",
    "LDEPLOY_MIN_SANDBOXES": "1",
    "LDEPLOY_MAX_RISK": "1",
    "LDEPLOY_PRODUCTION": "prod,live",
    "LDEPLOY_KEEP": "",
    "LDEPLOY_TOPIC": "",
}


@dataclass(frozen=True)
class Context:
    """What Lambda hands over beside the event."""

    left: int = 900_000
    """Milliseconds."""

    def get_remaining_time_in_millis(self):
        return self.left


@pytest.fixture
def tagged(project, monkeypatch):
    """A probed function that was invoked, with the tag; and the same without it."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    for name in ("f", "untagged"):
        package = ("--package", "build", "--bucket", "packages", *CREATE)
        assert project.ldeploy("probe", name, *package, "--invoke", "events").code == 0
    tag(project, "f")
    project.cloud.aws.faults.forget()
    return project


def tag(project, name):
    arn = project.cloud.functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    project.cloud.functions.tag_resource(Resource=arn, Tags={"ldeploy": "auto"})


def run(event=None, left=900_000):
    """The rows of one run, by function."""
    return {row["function"]: row for row in controller.handler(event or {}, Context(left))["functions"]}


def states(**settings):
    return {name: row["state"] for name, row in run(**settings).items()}


def test_a_tagged_function_is_shrunk_without_a_hand_on_it(tagged):
    found = run()
    assert set(found) == {"f"}
    assert (found["f"]["state"], found["f"]["sandboxes"]) == ("deployed", 1), found
    assert found["f"]["after"] < found["f"]["before"]
    assert tagged.deployed() == {"app.py", "used.py", "lazy.py", "data/opened.txt", "data/looked_at.txt"}
    assert tagged.cloud.invoke("f").value == "opened"
    assert tagged.cloud.invoke("untagged").value == "opened"
    assert {"Environment", "Layers"}.isdisjoint(tagged.configuration())
    assert tagged.ldeploy("restore", "f", "--yes").code == 0


def test_what_is_shrunk_is_left_alone_from_then_on(tagged):
    assert states() == {"f": "deployed"}
    tagged.cloud.aws.faults.forget()
    assert states() == {"f": "idle"}
    assert changes(tagged) == []


def test_rules_that_the_template_has_are_kept_to(tagged, monkeypatch):
    monkeypatch.setenv("LDEPLOY_KEEP", "data/never.* unused.py")
    assert states() == {"f": "deployed"}
    assert {"data/never.bin", "unused.py"} <= tagged.deployed()


@pytest.mark.parametrize(("name", "value"), [("LDEPLOY_MIN_SANDBOXES", "2"), ("LDEPLOY_MAX_RISK", "0.5")])
def test_it_waits_until_the_evidence_suffices(tagged, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    (row,) = run().values()
    assert (row["state"], row["sandboxes"], row["risk"]) == ("waiting", 1, 1.0)
    assert "wants" in row["why"]
    assert changes(tagged) == []


def test_a_function_with_a_production_alias_is_left_alone(tagged):
    tagged.cloud.functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    tagged.cloud.aws.faults.forget()
    (row,) = run().values()
    assert (row["state"], row["why"]) == ("production", "it has the alias live")
    assert changes(tagged) == []


def test_two_runs_never_work_on_one_function_at_once(tagged):
    with leased(open_aws(None, None, None).storage, "packages", "f"):
        assert states() == {"f": "busy"}
        assert changes(tagged) == []
    assert states() == {"f": "deployed"}
    assert function_key("f", "lease") not in keys(tagged)


def keys(project):
    return [found["Key"] for found in project.cloud.storage.list_objects_v2(Bucket="packages").get("Contents", [])]


def test_a_shrink_that_was_cut_off_is_gone_on_with(tagged):
    assert killed(tagged, 3, ("shrink", "f", "--from-logs", "--yes"))
    state = Workspace("f", Path(".ldeploy/f"), open_aws(None, None, None).storage, "packages").state()
    assert state
    assert state.stage is Stage.SHRINKING
    assert states() == {"f": "deployed"}
    assert tagged.cloud.invoke("f").value == "opened"


def test_what_goes_wrong_with_one_function_is_no_trouble_for_the_others(tagged):
    tagged.cloud.create("a", "def handler(e, c): return 1", Role=ROLE)
    tag(tagged, "a")
    tagged.cloud.aws.faults.order("lambda.PublishVersion", "error", times=9)
    found = run()
    assert (found["a"]["state"], found["f"]["state"]) == ("failed", "failed")
    assert "was never probed" in found["a"]["why"]
    tagged.cloud.aws.faults.clear()
    assert states() == {"a": "failed", "f": "deployed"}


def test_no_function_is_begun_with_too_little_time_left(tagged):
    assert states(left=200_000) == {"f": "later"}
    assert changes(tagged) == []


def test_by_hand_for_one_function(tagged):
    assert states(event={"functions": ["untagged"]}) == {"untagged": "failed"}
    assert tagged.changes() == []


def test_news_are_published_to_the_topic(tagged, monkeypatch):
    topics, queues = client(tagged.cloud.aws, "sns"), client(tagged.cloud.aws, "sqs")
    topic = topics.create_topic(Name="news")["TopicArn"]
    queue = queues.create_queue(QueueName="news")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("LDEPLOY_TOPIC", topic)
    assert states() == {"f": "deployed"}
    assert states() == {"f": "idle"}  # no news
    (message,) = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = json.loads(message["Body"])
    assert told["Subject"] == "ldeploy: f: deployed"
    assert json.loads(told["Message"])["functions"][0]["state"] == "deployed"
    for each in (topics, queues):
        each.close()


def changes(project):
    """What changed anything beside the lease."""
    leases = {"s3.PutObject", "s3.DeleteObject"}
    return [name for name in project.changes() if name not in leases]
