"""Stacks on the embedded AWS, and functions named by them."""

import json
from textwrap import dedent

import pytest

from tests.functional.local_aws import ROLE, RUNTIME, client
from tests.functional.project import FILES, write
from tests.zips import packed

TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Parameters:
  Greeting: {{ Type: String, Default: "no" }}
  Memory: {{ Type: Number, Default: 256 }}
Conditions:
  Greets: !Not [!Equals [!Ref Greeting, "no"]]
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${{AWS::StackName}}-fn"
      CodeUri: s3://packages/code.zip
      Handler: app.handler
      Runtime: {RUNTIME}
      Role: {ROLE}
      MemorySize: !Ref Memory
      AutoPublishAlias: live
      Layers: [!Ref Extra]
      Environment:
        Variables:
          GREETING: !If [Greets, !Ref Greeting, !Ref AWS::NoValue]
          NUMBER: 7
  Other:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://packages/code.zip
      Handler: app.handler
      Runtime: {RUNTIME}
      Role: {ROLE}
  Extra:
    Type: AWS::Serverless::LayerVersion
    Properties: {{ LayerName: extra, ContentUri: s3://packages/layer.zip }}
  Bucket:
    Type: AWS::S3::Bucket
Outputs:
  LdeployBucket: {{ Value: !Ref Bucket }}
  FnArn: {{ Value: !GetAtt Fn.Arn }}
"""


@pytest.fixture
def stacks(project):
    stacks = client(project.cloud.aws, "cloudformation")
    project.cloud.storage.put_object(Bucket="packages", Key="code.zip", Body=packed(FILES))
    project.cloud.storage.put_object(Bucket="packages", Key="layer.zip", Body=packed({"python/extra.py": "x = 1"}))
    yield stacks
    stacks.close()


def deployed(stacks, template=TEMPLATE, kind="CREATE", **parameters):
    """By a change set, as SAM does it."""
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    name = f"change{len(stacks.list_change_sets(StackName='shop')['Summaries']) if kind == 'UPDATE' else 0}"
    stacks.create_change_set(
        StackName="shop", ChangeSetName=name, ChangeSetType=kind, TemplateBody=template, Parameters=given
    )
    if stacks.describe_change_set(StackName="shop", ChangeSetName=name)["Status"] == "FAILED":
        return None
    stacks.execute_change_set(StackName="shop", ChangeSetName=name)
    return stacks.describe_stacks(StackName="shop")["Stacks"][0]


# -- what a stack makes ----------------------------------------------------------------------------------------------


def test_a_sam_template_becomes_functions_that_run(project, stacks):
    stack = deployed(stacks)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {one["OutputKey"] for one in stack["Outputs"]} == {"LdeployBucket", "FnArn"}
    found = project.cloud.functions.get_function_configuration(FunctionName="shop-fn")
    assert (found["MemorySize"], found["Environment"]["Variables"]) == (256, {"NUMBER": "7"})
    assert found["Layers"][0]["Arn"].endswith(":layer:extra:1")
    assert project.cloud.invoke("shop-fn").value == "opened"
    assert project.cloud.invoke("shop-fn:live").value == "opened"


def test_a_parameter_that_a_condition_asks_for_changes_the_function(project, stacks):
    deployed(stacks)
    deployed(stacks, kind="UPDATE", Greeting="hello", Memory="512")
    found = project.cloud.functions.get_function_configuration(FunctionName="shop-fn")
    assert (found["MemorySize"], found["Environment"]["Variables"]["GREETING"]) == (512, "hello")


def test_a_stack_changes_what_its_template_changes_and_nothing_else(project, stacks):
    deployed(stacks)
    theirs = {"Variables": {"THEIRS": "1"}}
    functions = project.cloud.functions
    functions.update_function_configuration(FunctionName="shop-fn", Timeout=99, Layers=[], Environment=theirs)
    project.cloud.settle("shop-fn")
    deployed(stacks, kind="UPDATE", Memory="512")
    found = functions.get_function_configuration(FunctionName="shop-fn")
    assert (found["MemorySize"], found["Timeout"], found.get("Layers", []), found["Environment"]) == (
        512,
        99,
        [],
        theirs,
    )
    deployed(stacks, kind="UPDATE", Memory="512", Greeting="hello")
    found = functions.get_function_configuration(FunctionName="shop-fn")
    assert (found["Environment"]["Variables"], found["Timeout"]) == ({"NUMBER": "7", "GREETING": "hello"}, 99)


def test_a_guarded_function_starts_when_its_stack_changes_the_code_alone(project, stacks):
    deployed(stacks)
    before = configuration(project)
    assert project.ldeploy("probe", "shop-fn", "--bucket", "packages", "--invoke", "events").code == 0
    assert project.ldeploy("shrink", "shop-fn", "--guard", "inside").code == 0
    guarded = configuration(project)
    assert guarded["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/ldeploy-start/wrapper"
    app = "def handler(event, context): return 'new'\n"
    project.cloud.storage.put_object(Bucket="packages", Key="new.zip", Body=packed({"app.py": app}))
    deployed(stacks, TEMPLATE.replace("code.zip", "new.zip", 1), kind="UPDATE")
    assert (configuration(project), project.cloud.invoke("shop-fn").value) == (guarded, "new")
    assert project.ldeploy("restore", "shop-fn", "--force").code == 0
    assert (configuration(project), project.cloud.invoke("shop-fn").value) == (before, "opened")


def configuration(project):
    """The function's variables and layers."""
    found = project.cloud.functions.get_function_configuration(FunctionName="shop-fn")
    return {name: found.get(name) for name in ("Environment", "Layers", "MemorySize", "Timeout")}


def test_an_alias_follows_the_code(project, stacks):
    deployed(stacks)
    before = project.cloud.functions.get_alias(FunctionName="shop-fn", Name="live")["FunctionVersion"]
    project.cloud.storage.put_object(Bucket="packages", Key="new.zip", Body=packed({**FILES, "new.py": "x"}))
    deployed(stacks, TEMPLATE.replace("code.zip", "new.zip", 1), kind="UPDATE")
    after = project.cloud.functions.get_alias(FunctionName="shop-fn", Name="live")["FunctionVersion"]
    assert int(after) == int(before) + 1


AROUND = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue: {{ Type: AWS::SQS::Queue }}
  Table: {{ Type: AWS::Serverless::SimpleTable }}
  Board: {{ Type: AWS::CloudWatch::Dashboard, Properties: {{ DashboardBody: "{{}}" }} }}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://packages/code.zip
      Handler: app.handler
      Runtime: {RUNTIME}
      Policies: [{{ DynamoDBCrudPolicy: {{ TableName: !Ref Table }} }}]
      Environment: {{ Variables: {{ BOARD: !Ref Board }} }}
      Events:
        Web: {{ Type: HttpApi }}
        Rest: {{ Type: Api, Properties: {{ Path: /x, Method: get }} }}
        Messages: {{ Type: SQS, Properties: {{ Queue: !GetAtt Queue.Arn }} }}
"""


def test_what_stands_around_a_function_is_there_if_only_by_its_name(project, stacks):
    assert deployed(stacks, AROUND)["StackStatus"] == "CREATE_COMPLETE"
    (name,) = [each["FunctionName"] for each in project.cloud.functions.list_functions()["Functions"]]
    assert project.cloud.invoke(name).value == "opened"
    assert project.ldeploy("probe", "--stack-name", "shop", "--bucket", "packages").code == 0


def test_a_template_that_sam_refuses_says_why(stacks):
    with pytest.raises(stacks.exceptions.ClientError, match=r"\[Fn\] is invalid. 'CodeUri' is not a valid S3 Uri"):
        deployed(stacks, TEMPLATE.replace("s3://packages/code.zip", "src/"))


def test_what_has_not_changed_is_no_change_set(stacks):
    deployed(stacks)
    assert deployed(stacks, kind="UPDATE") is None


def test_a_resource_that_cannot_be_made_fails_the_stack(stacks):
    stack = deployed(stacks, TEMPLATE.replace("code.zip", "nothing.zip"))
    assert stack["StackStatus"] == "CREATE_FAILED"
    events = stacks.describe_stack_events(StackName="shop")["StackEvents"]
    assert "nothing.zip" in json.dumps(events, default=str) or "key does not exist" in json.dumps(events, default=str)


def test_a_stack_that_is_deleted_takes_its_functions_with_it(project, stacks):
    deployed(stacks)
    stacks.delete_stack(StackName="shop")
    assert "shop-fn" not in [each["FunctionName"] for each in project.cloud.functions.list_functions()["Functions"]]


# -- functions by stack ----------------------------------------------------------------------------------------------


def test_the_loop_by_stack_and_logical_id(project, stacks):
    bucket = {one["OutputKey"]: one["OutputValue"] for one in deployed(stacks)["Outputs"]}["LdeployBucket"]
    named = ("--stack-name", "shop", "--logical-id", "Fn")
    probed = project.ldeploy("probe", *named, "--invoke", "events", "--output", "json")
    assert (probed.code, probed.json["function"], probed.json["failed"]) == (0, "shop-fn", 0), probed.err
    assert "differs from the template of the stack shop" in probed.json["warnings"][-1]
    assert project.cloud.storage.list_objects_v2(Bucket=bucket)["KeyCount"] > 0
    shrunk = project.ldeploy("shrink", *named, "--from-logs", "--output", "json")
    assert shrunk.code == 0, shrunk.err
    assert (shrunk.code, shrunk.json["state"]) == (0, "deployed"), shrunk.err
    assert "still has the full build of shop-fn" in shrunk.json["warnings"][-1]
    assert project.cloud.invoke("shop-fn").value == "opened"
    restored = project.ldeploy("restore", *named, "--output", "json")
    assert (restored.code, restored.json["warnings"]) == (0, [])


def test_all_functions_of_a_stack(project, stacks):
    deployed(stacks)
    done = project.ldeploy("probe", "--stack-name", "shop", "--output", "json")
    assert (done.code, len(done.json["functions"])) == (0, 2)
    text = project.ldeploy("status", "--stack-name", "shop")
    assert text.out.count(": probed\n") == 2


def test_what_cannot_be_probed_is_no_trouble_for_the_others(project, stacks):
    other = TEMPLATE.replace("  Other:\n", "  Node:\n").replace(f"Runtime: {RUNTIME}", "Runtime: nodejs20.x")
    other = other.replace("Runtime: nodejs20.x", f"Runtime: {RUNTIME}", 1)
    deployed(stacks, other)
    done = project.ldeploy("probe", "--stack-name", "shop", "--output", "json")
    rows = {row["state"]: row for row in done.json["functions"]}
    assert done.code == 1
    assert rows["probed"]["function"] == "shop-fn"
    assert "The runtime nodejs20.x is not supported by the probe." in rows["failed"]["error"]
    assert f"1 of 2 functions failed: {rows['failed']['function']}." in done.err
    waiting = project.ldeploy("shrink", "--stack-name", "shop", "--from-logs")
    assert waiting.code == 4
    assert waiting.out.count(": failed\n") == 2


def test_samconfig_names_stack_region_and_bucket(project, stacks, monkeypatch):
    deployed(stacks, TEMPLATE.replace("LdeployBucket", "SomethingElse"))
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name)
    config = """
        version = 0.1
        [default.global.parameters]
        stack_name = "shop"
        [default.deploy.parameters]
        region = "us-east-1"
        s3_bucket = "packages"
    """
    write(project.folder, {"samconfig.toml": dedent(config)})
    done = project.ldeploy("probe", "--logical-id", "Fn", "--output", "json")
    assert (done.code, done.json["function"]) == (0, "shop-fn"), done.err
    assert project.cloud.storage.list_objects_v2(Bucket="packages", Prefix="ldeploy/functions/shop-fn")["KeyCount"]


def refused(project, code, words, *arguments):
    """One sentence, that exit code, and no change."""
    project.cloud.aws.faults.forget()
    outcome = project.ldeploy(*arguments)
    said = [line for line in outcome.err.splitlines() if line.startswith("ldeploy: ")]
    assert (outcome.code, len(said)) == (code, 1), outcome.err
    assert words in said[0]
    assert project.changes() == []


def test_what_is_no_function_of_a_stack(project, stacks):
    deployed(stacks)
    refused(project, 2, "Bucket of the stack shop is a AWS::S3::Bucket", "probe", *named("Bucket"))
    refused(project, 2, "Its functions: Fn, Other.", "probe", *named("Nowhere"))
    refused(project, 1, "There is no stack", "probe", "--stack-name", "nowhere")
    refused(project, 2, "A function and a stack are named", "probe", "f", *named("Fn"))
    refused(project, 2, "No function is named", "probe")
    refused(project, 2, "--package is for one function", "probe", "--stack-name", "shop", "--package", "build")
    refused(project, 2, "A logical id is given without a stack", "probe", "--logical-id", "Fn")
    write(project.folder, {"samconfig.toml": "no = toml = at all"})
    refused(project, 2, "samconfig.toml is not TOML", "probe", "--logical-id", "Fn")


def named(logical_id):
    return ("--stack-name", "shop", "--logical-id", logical_id)


def test_a_stack_that_is_being_changed(project, stacks):
    stacks.create_change_set(
        StackName="shop", ChangeSetName="one", ChangeSetType="CREATE", TemplateBody=TEMPLATE, Parameters=[]
    )
    refused(project, 1, "is being changed (REVIEW_IN_PROGRESS)", "probe", "--stack-name", "shop")


def test_a_nested_stack(project, stacks):
    inner = "Resources: {Inner: {Type: 'AWS::S3::Bucket'}}"
    project.cloud.storage.put_object(Bucket="packages", Key="inner.yaml", Body=inner.encode())
    url = "https://packages.s3.amazonaws.com/inner.yaml"
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    stacks.create_stack(StackName="shop", TemplateBody=json.dumps({"Resources": {"Nested": nested}}))
    refused(project, 2, "Nested of the stack shop is a stack itself", "probe", *named("Nested"))
    refused(project, 2, "The stack shop has no functions", "probe", "--stack-name", "shop")


CDK = json.dumps(
    {
        "Resources": {
            f"{path.replace('/', '')}9270CBC0": {
                "Type": "AWS::Lambda::Function",
                "Metadata": {"aws:cdk:path": f"Shop/{path}/Resource"},
                "Properties": {
                    "FunctionName": path.replace("/", "-"),
                    "Code": {"S3Bucket": "packages", "S3Key": "code.zip"},
                    "Handler": "app.handler",
                    "Runtime": RUNTIME,
                    "Role": ROLE,
                },
            }
            for path in ("Fn", "Api/Get", "Admin/Get")
        }
    }
)


def test_a_cdk_construct_is_found_by_its_name_or_path(project, stacks):
    deployed(stacks, CDK)
    for name, function in (("Fn", "Fn"), ("Api/Get", "Api-Get"), ("Shop/Admin/Get", "Admin-Get"), ("Fn9270CBC0", "Fn")):
        done = project.ldeploy("doctor", *named(name), "--output", "json")
        assert f'"function": "{function}"' in done.out, done.err
    refused(project, 2, "Several functions of the stack shop are called Get", "status", *named("Get"))
    refused(project, 2, "not there", "status", *named("et"))
