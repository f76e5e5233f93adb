"""Layers of the function's own are pruned by what was touched of them; those of others are left alone."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import boto3
import pytest

from deployer.commands import options
from deployer.deploy.steps import Upload
from tests.functional.children import child
from tests.functional.local_aws import ROLE, RUNTIME, client
from tests.functional.project import KILLED
from tests.zips import packed

APP = """
import os
def handler(event, context):
    import inlayer
    if event.get("do") == "data":
        return open("/opt/data/table.txt").read()
    return inlayer.VALUE
"""
LAYER = {
    "python/inlayer.py": "VALUE = 'from the layer'\n",
    "python/spare.py": "VALUE = 0\n" * 1000,
    "data/table.txt": "a table",
    "data/spare.txt": "never read" * 1000,
    "wrapper": '#!/bin/bash\nexec "$@"\n',
}
SHRINK = ("shrink", "f", "--from-logs", "--yes")


def layer(project, name, files):
    """A layer of the function's account."""
    published = project.cloud.functions.publish_layer_version(LayerName=name, Content={"ZipFile": packed(files)})
    return published["LayerVersionArn"]


def create(project, *layers, **settings):
    project.cloud.create("f", {"app.py": APP}, Layers=list(layers), **settings)
    return project


def probed(project, *events):
    """With the probe in, after these events."""
    assert project.ldeploy("probe", "f", "--bucket", "packages").code == 0
    for event in events or ({},):
        project.cloud.invoke("f", event)
    return project


def layers(project):
    return [found["Arn"] for found in project.configuration().get("Layers") or ()]


def held(project, arn):
    """The files of a layer."""
    url = project.cloud.functions.get_layer_version_by_arn(Arn=arn)["Content"]["Location"]
    path = project.folder / "layer.zip"
    fetch = "import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", fetch, url, path], check=True)
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture
def own(project):
    """A function with a layer of its own, of which most is never used."""
    return probed(create(project, layer(project, "own", LAYER)))


def test_a_layer_of_the_function_s_own_is_pruned_swapped_in_and_restored(own):
    before = own.configuration("1")
    shrunk = own.shrink()
    assert shrunk.code == 0
    (arn,) = layers(own)
    assert ":layer:ldeploy-own:" in arn
    assert held(own, arn) == {"python/inlayer.py"}
    assert own.cloud.invoke("f").value == "from the layer"
    assert own.ldeploy("restore", "f").code == 0
    assert own.configuration() == before


def test_what_becomes_of_each_layer_is_reported_and_counted(own):
    answer = own.shrink().json
    (pruned,) = answer["layers"]
    assert (pruned["pruned"], pruned["files_before"], pruned["files_after"]) == (True, len(LAYER), 1)
    assert answer["limits"]["unzipped_left"] == 262_144_000 - answer["after"]["bytes"] - pruned["bytes_after"]


def test_a_plan_shows_the_layer_and_publishes_none(own):
    own.cloud.aws.faults.forget()
    planned = own.shrink("--plan")
    assert any("publish the layer ldeploy-own" in step for step in planned.json["plan"])
    assert [name for name in own.changes() if name.startswith("lambda.")] == []


def test_a_layer_that_another_function_uses_is_left_alone(project):
    shared = layer(project, "shared", LAYER)
    project.cloud.create("other", {"app.py": APP}, Layers=[shared])
    project.cloud.functions.publish_version(FunctionName="other")
    project.cloud.functions.update_function_configuration(FunctionName="other", Layers=[])
    shrunk = probed(create(project, shared)).shrink()
    assert layers(project) == [shared]
    assert "other uses it too" in shrunk.json["layers"][0]["why"]


def test_a_layer_with_an_extension_is_left_alone(project):
    extended = layer(project, "extended", LAYER | {"extensions/agent.txt": "not run here"})
    shrunk = probed(create(project, extended)).shrink()
    assert "extension" in shrunk.json["layers"][0]["why"]
    assert layers(project) == [extended]


def test_a_layer_of_which_little_would_go_is_left_alone(project):
    small = layer(project, "small", {"python/inlayer.py": LAYER["python/inlayer.py"] * 10, "data/spare.txt": "x"})
    shrunk = probed(create(project, small)).shrink()
    assert "less than 20%" in shrunk.json["layers"][0]["why"]
    assert layers(project) == [small]


def test_a_version_of_a_layer_that_came_after_the_probe_is_left_alone(own):
    later = layer(own, "own", LAYER | {"python/other.py": ""})
    arns = [later, *[arn for arn in layers(own) if "ldeploy-probe" in arn]]
    own.cloud.functions.update_function_configuration(FunctionName="f", Layers=arns)
    shrunk = own.shrink()
    assert "after the probe" in shrunk.json["layers"][0]["why"]
    assert layers(own) == [later]


def test_layers_stay_in_their_order_and_what_both_hold_stays_in_both(project):
    lower = layer(project, "lower", LAYER | {"python/inlayer.py": "VALUE = 'from below'\n"})
    upper = layer(project, "upper", LAYER)
    assert probed(create(project, lower, upper)).shrink().code == 0
    assert [arn.split(":")[6] for arn in layers(project)] == ["ldeploy-lower", "ldeploy-upper"]
    assert held(project, layers(project)[0]) == {"python/inlayer.py"}
    assert project.cloud.invoke("f").value == "from the layer"


def test_what_the_environment_or_a_keep_rule_names_in_a_layer_is_kept(project):
    own = layer(project, "own", LAYER)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    probed(create(project, own, Environment={"Variables": variables}))
    assert project.shrink("--keep", "/opt/data/table.txt").code == 0
    assert held(project, layers(project)[0]) == {"python/inlayer.py", "wrapper", "data/table.txt"}
    assert project.cloud.invoke("f", {"do": "data"}).value == "a table"


def test_a_probe_after_a_shrink_is_of_the_whole_layer_and_the_next_shrink_of_it_too(own):
    before = own.configuration("1")
    assert own.shrink().code == 0
    probed(own, {"do": "data"})
    assert [arn.split(":")[6] for arn in layers(own)] == ["own", "ldeploy-probe"]
    assert own.shrink().code == 0
    assert held(own, layers(own)[0]) == {"python/inlayer.py", "data/table.txt"}
    assert own.ldeploy("restore", "f").code == 0
    assert own.configuration() == before


def test_the_same_copy_is_not_published_twice(own):
    assert own.shrink().code == 0
    assert own.ldeploy("restore", "f").code == 0
    assert probed(own).shrink().code == 0
    versions = own.cloud.functions.list_layer_versions(LayerName="ldeploy-own")["LayerVersions"]
    assert len(versions) == 1


def test_a_deploy_leaves_the_layers_as_they_are(own):
    assert own.shrink().code == 0
    before = layers(own)
    (own.folder / "next").mkdir()
    (own.folder / "next/app.py").write_text(APP + "# next\n")
    assert own.ldeploy("deploy", "f", "--package", "next", "--bucket", "packages").code == 0
    assert layers(own) == before


@pytest.mark.parametrize("step", range(1, 10))
def test_a_shrink_of_layers_that_was_killed_can_be_run_again_and_undone(own, step):
    before = own.configuration("1")
    done = child(KILLED, own.cloud, own.folder, str(step), *SHRINK)
    assert done.returncode == -9, done.stderr
    own.cloud.settle("f")
    assert own.cloud.invoke("f").value == "from the layer"
    assert own.ldeploy(*SHRINK).code == 0
    assert held(own, layers(own)[0]) == {"python/inlayer.py"}
    assert own.ldeploy("restore", "f").code == 0
    assert own.configuration() == before


def test_what_an_extension_reads_of_the_package_before_the_probe_is_there_is_kept(project):
    agent = layer(project, "agent", {"extensions/agent": "#!/bin/sh\n"})
    settings = {"otel/collector.yaml": "a: 1\n", "datadog.yaml": "b: 1\n", "otel/spare.yaml": "c: 1\n"}
    variables = {"OPENTELEMETRY_COLLECTOR_CONFIG_URI": "file:/var/task/otel/collector.yaml"}
    source = {"app.py": "def handler(event, context):\n    return 1\n", **settings}
    project.cloud.create("f", source, Layers=[agent], Environment={"Variables": variables})
    probed(project)
    assert project.ldeploy(*SHRINK).code == 0
    assert project.deployed() == {"app.py", "otel/collector.yaml", "datadog.yaml"}
    whitelist = json.loads((project.folder / ".ldeploy/f/whitelist.json").read_text())["decisions"]
    assert whitelist["otel/collector.yaml"]["because"] == "the variable OPENTELEMETRY_COLLECTOR_CONFIG_URI names it"
    assert whitelist["datadog.yaml"]["because"].startswith("the extension agent may read it")


class Forging(options.Common):
    """Somebody puts other bytes of the same size at a pruned layer's place, when it was uploaded."""

    def executor(self):
        return replace(super().executor(), after=forge)


def forge(step):
    if isinstance(step, Upload) and step.path.name.startswith("layer-"):
        forged = packed({"python/inlayer.py": "VALUE = 'forged'\n"})
        body = forged + b"\0" * (step.zip.zip_bytes - len(forged))
        boto3.client("s3").put_object(Bucket=step.zip.bucket, Key=step.zip.key, Body=body)


def test_forged_bytes_at_the_place_of_a_pruned_layer_are_never_used(own, monkeypatch):
    monkeypatch.setattr(options, "Common", Forging)
    probed(own)
    before = own.configuration()
    refused = own.ldeploy(*SHRINK)
    assert refused.code == 1
    assert "was replaced while it was published as a layer" in refused.err
    assert own.configuration() == before
    assert not own.cloud.functions.list_layer_versions(LayerName="ldeploy-own")["LayerVersions"]


def test_a_layer_that_functions_of_one_call_share_keeps_what_any_of_them_touched(project):
    shared = layer(project, "shared", LAYER)
    project.cloud.storage.put_object(Bucket="packages", Key="code.zip", Body=packed({"app.py": APP}))
    common = {"Runtime": RUNTIME, "Handler": "app.handler", "Role": ROLE, "Layers": [shared]}
    code = {"S3Bucket": "packages", "S3Key": "code.zip"}
    resources = {
        name: {"Type": "AWS::Lambda::Function", "Properties": {**common, "FunctionName": name, "Code": code}}
        for name in ("f", "g")
    }
    stacks = client(project.cloud.aws, "cloudformation")
    stacks.create_stack(StackName="two", TemplateBody=json.dumps({"Resources": resources}))
    stacks.close()
    both = ("--stack-name", "two", "--bucket", "packages")
    assert project.ldeploy("probe", *both).code == 0
    project.cloud.invoke("f")
    project.cloud.invoke("g", {"do": "data"})
    done = project.ldeploy("shrink", *both, "--output", "json")
    assert done.code == 0, done.err
    for name in ("f", "g"):
        (pruned,) = project.cloud.functions.get_function_configuration(FunctionName=name)["Layers"]
        assert "ldeploy-shared" in pruned["Arn"], done.out
        assert set(held(project, pruned["Arn"])) >= {"python/inlayer.py", "data/table.txt"}
        assert "python/spare.py" not in held(project, pruned["Arn"])
