"""What deploy tools ask of the AWS on this machine beside the plain way: answers like Lambda's, never HTML."""

import json

import pytest
from boto3.session import Session
from botocore.exceptions import ClientError

from deployer.local import LocalAws

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
ROLE = {
    "Parameters": {"Colour": {"Type": "String", "Default": "green"}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [{"PolicyName": "reads", "PolicyDocument": READS}],
            },
        }
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
}
PUBLISHED = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Fn": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.11",
                "Handler": "index.handler",
                "InlineCode": "def handler(event, context): return 1",
                "AutoPublishAlias": "live",
                "Events": {
                    "Web": {"Type": "Api", "Properties": {"Path": "/", "Method": "get"}},
                    "Daily": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)"}},
                },
            },
        }
    },
}


@pytest.fixture(scope="module")
def clients():
    with LocalAws(settle=0) as aws:
        session = Session("test", "test", region_name="us-east-1")
        yield lambda service: session.client(service, endpoint_url=aws.endpoint_url)


@pytest.fixture(scope="module")
def role(clients):
    """The stack with a role, and the role's ARN."""
    stacks = clients("cloudformation")
    stacks.create_stack(StackName="role", TemplateBody=json.dumps(ROLE), Capabilities=["CAPABILITY_IAM"])
    return stacks.describe_stacks(StackName="role")["Stacks"][0]["Outputs"][0]["OutputValue"]


@pytest.fixture(scope="module")
def published(clients):
    """A function with an alias and events, made by a CREATE change set."""
    stacks = clients("cloudformation")
    more = {"Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], "TemplateBody": json.dumps(PUBLISHED)}
    stacks.create_change_set(StackName="web", ChangeSetName="one", ChangeSetType="CREATE", **more)
    stacks.execute_change_set(StackName="web", ChangeSetName="one")
    assert stacks.describe_stacks(StackName="web")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    return clients("lambda").list_functions()["Functions"][0]["FunctionName"]


def test_a_published_function_with_events_comes_by_a_change_set(clients, published):
    aliases = clients("lambda").list_aliases(FunctionName=published)["Aliases"]
    assert [(alias["Name"], alias["FunctionVersion"]) for alias in aliases] == [("live", "1")]


def test_a_change_set_that_is_not_there_can_be_deleted(clients, role):
    clients("cloudformation").delete_change_set(StackName="role", ChangeSetName="none")


def test_change_sets_of_two_stacks_may_have_the_same_name(clients):
    stacks, same = clients("cloudformation"), {"ChangeSetName": "deploy"}
    for name in ("first", "second"):
        topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}}}
        stacks.create_change_set(StackName=name, ChangeSetType="CREATE", TemplateBody=json.dumps(topic), **same)
    assert stacks.describe_change_set(StackName="first", **same)["StackName"] == "first"
    stacks.delete_change_set(StackName="first", **same)
    assert stacks.describe_change_set(StackName="second", **same)["StackName"] == "second"
    stacks.execute_change_set(StackName="second", **same)
    assert stacks.describe_stacks(StackName="second")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_a_previous_value_that_nobody_gave_is_the_default(clients, role):
    stacks = clients("cloudformation")
    changed = json.dumps({**ROLE, "Description": "changed"})
    previous = [{"ParameterKey": "Colour", "UsePreviousValue": True}]
    stacks.update_stack(StackName="role", TemplateBody=changed, Parameters=previous, Capabilities=["CAPABILITY_IAM"])
    parameters = stacks.describe_stacks(StackName="role")["Stacks"][0]["Parameters"]
    assert [one["ParameterValue"] for one in parameters] == ["green"]


def test_a_role_s_policies_count_also_where_a_stack_made_them(clients, role):
    found = clients("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=["arn:aws:s3:::b/k"]
    )
    assert [one["EvalDecision"] for one in found["EvaluationResults"]] == ["allowed", "implicitDeny"]


@pytest.mark.parametrize("host", ["templates.s3.amazonaws.com", "templates.s3.us-east-1.amazonaws.com"])
def test_a_template_is_found_by_the_bucket_s_own_host_name(clients, host):
    storage, stacks = clients("s3"), clients("cloudformation")
    storage.create_bucket(Bucket="templates")
    storage.put_object(Bucket="templates", Key="deep/role.json", Body=json.dumps(ROLE))
    name = host.replace(".", "-")
    url = f"https://{host}/deep/role.json"
    stacks.create_stack(StackName=name, TemplateURL=url, Capabilities=["CAPABILITY_IAM"])
    assert stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_settings_that_cannot_be_set_here_have_lambda_s_answers(clients, published):
    functions = clients("lambda")
    assert functions.get_account_settings()["AccountUsage"]["FunctionCount"] == 1
    assert functions.get_runtime_management_config(FunctionName=published)["UpdateRuntimeOn"] == "Auto"
    assert functions.get_function_recursion_config(FunctionName=published)["RecursiveLoop"] == "Terminate"
    assert functions.list_provisioned_concurrency_configs(FunctionName=published)["ProvisionedConcurrencyConfigs"] == []
    with pytest.raises(functions.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        functions.get_provisioned_concurrency_config(FunctionName=published, Qualifier="live")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_runtime_management_config(FunctionName="nobody")


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("lambda", "list_code_signing_configs", {}),
        ("apigateway", "import_rest_api", {"body": b'{"swagger": "2.0", "paths": {}}'}),
    ],
)
def test_what_is_lacking_is_an_error_of_aws_and_no_html(clients, service, call, arguments):
    with pytest.raises(ClientError, match="ldeploy local") as caught:
        getattr(clients(service), call)(**arguments)
    assert caught.value.response["Error"]["Code"] in {"UnknownOperationException", "InternalFailure"}
    assert "<html" not in str(caught.value)
