"""Event sources of the AWS on this machine: what happens in another service reaches the function."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from deployer.local.services.event_models import OFFERED
from tests.functional.local_aws import RUNTIME, client, cloud
from tests.zips import packed

TELLS = """
import json
def handler(event, context):
    print("GOT " + json.dumps(event))
    if "fail" in json.dumps(event):
        raise ValueError("as asked")
"""
TABLE = {
    "TableName": "t",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}


@pytest.fixture(scope="module")
def here():
    with cloud(settle=0) as made:
        yield made


@pytest.fixture
def function(here, request):
    """A function that tells its events, and its ARN."""
    name = request.node.name[:60].replace("[", "-").replace("]", "")
    return here.create(name, TELLS)["FunctionArn"]


def got(here, arn):
    """The first event that the function told."""
    while True:
        if told := [line for line in lines(here, arn) if line.startswith("GOT ")]:
            return json.loads(told[0].removeprefix("GOT "))
        time.sleep(0.05)


def lines(here, arn):
    try:
        return here.messages(arn.rpartition(":")[2])
    except here.logs.exceptions.ResourceNotFoundException:
        return []


def test_an_object_in_s3(here, function):
    here.storage.create_bucket(Bucket="seen")
    wanted = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
    here.storage.put_bucket_notification_configuration(
        Bucket="seen", NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]}
    )
    here.storage.put_object(Bucket="seen", Key="a/b.txt", Body=b"x")
    record = got(here, function)["Records"][0]
    assert (record["eventSource"], record["s3"]["object"]["key"]) == ("aws:s3", "a/b.txt")


def test_a_message_of_a_queue_is_deleted_when_the_function_succeeds(here, function):
    queues = client(here.aws, "sqs")
    url = queues.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    here.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, BatchSize=1)
    queues.send_message(QueueUrl=url, MessageBody="hello")
    assert got(here, function)["Records"][0]["body"] == "hello"
    assert "Messages" not in queues.receive_message(QueueUrl=url)
    queues.send_message(QueueUrl=url, MessageBody="fail")
    assert [one["Body"] for one in queues.receive_message(QueueUrl=url)["Messages"]] == ["fail"]


def test_a_message_of_a_topic(here, function):
    topics = client(here.aws, "sns")
    arn = topics.create_topic(Name="t")["TopicArn"]
    topics.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)
    topics.publish(TopicArn=arn, Message="hello")
    assert got(here, function)["Records"][0]["Sns"]["Message"] == "hello"


def test_an_item_of_a_table(here, function):
    tables = client(here.aws, "dynamodb")
    arn = tables.create_table(**TABLE)["TableDescription"]["LatestStreamArn"]
    here.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, StartingPosition="LATEST")
    tables.put_item(TableName="t", Item={"id": {"S": "1"}})
    assert got(here, function)["Records"][0]["dynamodb"]["NewImage"] == {"id": {"S": "1"}}


def test_an_event_that_fits_a_rule(here, function):
    events = client(here.aws, "events")
    events.put_rule(Name="fits", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="fits", Targets=[{"Id": "1", "Arn": function}])
    events.put_events(Entries=[{"Source": "other", "DetailType": "x", "Detail": "{}"}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": '{"n": 1}'}])
    event = got(here, function)
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "sold", {"n": 1})
    assert event["time"].endswith("Z")


def test_sources_of_a_stack(here):
    here.storage.create_bucket(Bucket="sources")
    here.storage.put_object(Bucket="sources", Key="f.zip", Body=packed({"app.py": TELLS}))
    sources = {
        "FromS3": {"Type": "S3", "Properties": {"Bucket": {"Ref": "Bucket"}, "Events": "s3:ObjectCreated:*"}},
        "FromSns": {"Type": "SNS", "Properties": {"Topic": {"Ref": "Topic"}}},
        "FromSqs": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}, "BatchSize": 1}},
    }
    common = {"CodeUri": "s3://sources/f.zip", "Runtime": RUNTIME, "Handler": "app.handler"}
    resources = {
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {**common, "FunctionName": name, "Events": {"One": source}},
        }
        for name, source in sources.items()
    }
    resources |= {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "of-stack"}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "of-stack"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-stack"}},
    }
    template = json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources})
    stacks = client(here.aws, "cloudformation")
    stacks.create_stack(StackName="sources", TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    assert stacks.describe_stacks(StackName="sources")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    here.storage.put_object(Bucket="of-stack", Key="a b/c.txt", Body=b"x")
    assert got(here, "f:FromS3")["Records"][0]["s3"]["object"]["key"] == "a+b/c.txt"
    topics, queues = client(here.aws, "sns"), client(here.aws, "sqs")
    topics.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:of-stack", Message="hello")
    assert got(here, "f:FromSns")["Records"][0]["Sns"]["Message"] == "hello"
    queues.send_message(QueueUrl=queues.get_queue_url(QueueName="of-stack")["QueueUrl"], MessageBody="hello")
    assert got(here, "f:FromSqs")["Records"][0]["body"] == "hello"


def test_the_docs_list_what_is_offered():
    page = (Path(__file__).parents[2] / "docs/local.md").read_text()
    rows = "".join(f"| {source} | {what} |\n" for source, what in OFFERED.items())
    assert f"| source | what reaches the function |\n| --- | --- |\n{rows}" in page


def test_a_schedule_of_a_stack_is_sent_on_request(here):
    here.storage.create_bucket(Bucket="code")
    here.storage.put_object(Bucket="code", Key="f.zip", Body=packed({"app.py": TELLS}))
    events = {"Daily": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)", "Name": "daily"}}}
    events["Sold"] = {"Type": "EventBridgeRule", "Properties": {"Pattern": {"source": ["stack"]}}}
    properties = {"Runtime": RUNTIME, "Handler": "app.handler", "CodeUri": "s3://code/f.zip", "Events": events}
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Fn": {"Type": "AWS::Serverless::Function", "Properties": {"FunctionName": "scheduled", **properties}}
        },
    }
    stacks = client(here.aws, "cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    assert stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    ask = urllib.request.Request(f"{here.aws.endpoint_url}/_ldeploy/rules/daily", method="POST")
    urllib.request.urlopen(ask).close()
    assert got(here, "f:scheduled")["detail-type"] == "Scheduled Event"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(urllib.request.Request(f"{here.aws.endpoint_url}/_ldeploy/rules/none", method="POST"))
