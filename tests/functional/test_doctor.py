"""``ldeploy doctor`` says what would stop a probe, and changes nothing."""

import pytest

from deployer.limits import UNZIPPED
from tests.functional.project import FILES
from tests.zips import packed

LAYER = {"python/spare.py": "VALUE = 0\n"}


def examined(project, *arguments):
    project.cloud.aws.faults.forget()
    done = project.ldeploy("doctor", *arguments, "--output", "json")
    assert project.changes() == []
    return done.code, {check["name"]: check["verdict"] for check in done.json["checks"]}, done


def test_a_function_that_can_be_probed(project):
    project.cloud.create("f", FILES, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/own"}})
    code, checks, done = examined(project, "f", "--bucket", "packages")
    assert code == 0
    assert done.json["ready"]
    assert {name for name, verdict in checks.items() if verdict == "good"} == {
        *("account", "bucket", "runtime", "room", "wrapper", "handler", "size", "price", "log", "bytecode"),
    }
    assert "role" not in checks  # a package under the limit needs no permission
    assert done.json["next"] == "ldeploy probe f --bucket packages"
    assert "for a thousand cold starts" in done.out


def test_a_log_of_errors_alone_is_said_by_doctor_and_probe(project):
    project.cloud.create("f", FILES, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"})
    _, checks, done = examined(project, "f", "--bucket", "packages")
    assert checks["log"] == "doubt"
    assert "count ERROR lines count them" in done.out
    planned = project.ldeploy("probe", "f", "--bucket", "packages", "--plan", "--output", "json")
    assert any("count ERROR lines count them" in warning for warning in planned.json["warnings"])
    assert planned.json["price"]["files"] == len(FILES)
    assert "for a thousand cold starts" in project.ldeploy("probe", "f", "--bucket", "packages", "--plan").out


def test_without_a_function_it_looks_at_the_account_and_the_bucket(project):
    code, checks, _ = examined(project, "--bucket", "packages")
    assert (code, checks) == (0, {"account": "good", "bucket": "good"})
    assert examined(project)[1] == {"account": "good", "bucket": "doubt"}
    assert examined(project, "--resolve-s3")[1]["bucket"] == "good"
    code, checks, _ = examined(project, "--bucket", "nobodys")
    assert (code, checks["bucket"]) == (1, "stops")


def test_a_function_that_is_not_there_is_not_good(project):
    code, checks, done = examined(project, "f", "--bucket", "packages")
    assert (code, checks["function"]) == (1, "stops")
    assert "There is no function f in us-east-1" in done.out
    assert "--create" in done.out


def test_what_cannot_be_looked_up_does_not_hide_the_rest(project):
    project.cloud.create("f", FILES)
    project.cloud.aws.faults.order("lambda.GetFunction", "deny", times=9)
    code, checks, _ = examined(project, "f", "--bucket", "packages")
    assert (code, checks["package"]) == (0, "doubt")
    assert {"runtime", "room", "log", "bytecode"} <= checks.keys()
    project.cloud.aws.faults.order("lambda.GetFunctionConfiguration", "deny", times=9)
    code, checks, done = examined(project, "f", "--bucket", "packages")
    assert (code, checks["account"], checks["bucket"], checks["function"]) == (1, "good", "good", "stops")
    assert "lambda:GetFunctionConfiguration" in done.out


@pytest.mark.parametrize(("settings", "stopped"), [({"Runtime": "nodejs20.x", "Handler": "app.handler"}, "runtime")])
def test_what_would_be_refused_is_said(project, settings, stopped):
    project.cloud.functions.create_function(
        FunctionName="f", Role="arn:aws:iam::123456789012:role/any", Code={"ZipFile": packed(FILES)}, **settings
    )
    project.cloud.settle("f")
    code, checks, done = examined(project, "f", "--bucket", "packages")
    assert (code, checks[stopped]) == (1, "stops")
    assert "Something would stop a probe" in done.err


def test_five_layers_leave_no_room_for_the_probe(project):
    arns = [
        project.cloud.functions.publish_layer_version(LayerName=f"l{number}", Content={"ZipFile": packed(LAYER)})[
            "LayerVersionArn"
        ]
        for number in range(5)
    ]
    project.cloud.create("f", FILES, Layers=arns)
    code, checks, _ = examined(project, "f", "--bucket", "packages")
    assert (code, checks["room"]) == (1, "stops")


def test_code_that_the_probe_would_put_over_the_limit_is_told(project):
    zipped = packed({"app.py": FILES["app.py"], "big.bin": bytes(UNZIPPED - 10_000)})
    project.cloud.storage.put_object(Bucket="packages", Key="big.zip", Body=zipped)
    project.cloud.create("f", "", Code={"S3Bucket": "packages", "S3Key": "big.zip"})
    code, checks, _ = examined(project, "f", "--bucket", "packages")
    assert (code, checks["size"], checks["role"]) == (0, "doubt", "doubt")


def test_an_extension_counts_against_the_limit(project):
    """As Lambda Insights does: a layer of an agent that is no code of the function's."""
    agent = packed({"extensions/agent": "#!/bin/sh\n", "agent/big.bin": bytes(UNZIPPED - 50_000)})
    layer = project.cloud.functions.publish_layer_version(LayerName="agent", Content={"ZipFile": agent})
    project.cloud.create("f", FILES, Layers=[layer["LayerVersionArn"]])
    code, checks, done = examined(project, "f", "--bucket", "packages")
    assert (code, checks["layer"], checks["size"]) == (0, "good", "doubt")
    assert "takes 262." in done.out


def test_where_the_account_cannot_be_asked_a_probe_cannot_go_on(project):
    project.cloud.aws.faults.order("sts.GetCallerIdentity", "deny", times=9)
    code, checks, _ = examined(project, "--bucket", "packages")
    assert (code, checks["account"]) == (1, "stops")


def test_as_text_it_is_one_line_a_check(project):
    project.cloud.create("f", FILES)
    done = project.ldeploy("doctor", "f", "--bucket", "packages")
    assert done.out.startswith("f: a probe may go in\n  good   account   123456789012 in us-east-1\n")


def test_what_lies_around_the_function_is_looked_at_and_the_probe_says_it_too(project):
    wheel = {"n-1.dist-info/WHEEL": "Tag: cp27-cp27mu-manylinux1_x86_64\n"}
    project.cloud.create("f", {**FILES, **wheel}, SnapStart={"ApplyOn": "PublishedVersions"})
    code, checks, _ = examined(project, "f", "--bucket", "packages")
    assert (code, checks["SnapStart"], checks["wheels"]) == (0, "doubt", "doubt")
    warnings = project.ldeploy("probe", "f", "--bucket", "packages", "--plan", "--output", "json").json["warnings"]
    assert any("--snap-start ApplyOn=None" in text for text in warnings)
    assert any(text.startswith("n 1 is for cp27") for text in warnings)
