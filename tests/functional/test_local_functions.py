"""Functions, versions, aliases and layers on the embedded AWS: what a deployment relies on, and what is refused."""

import hashlib
import io
import time
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.local_aws import CODE, Cloud, client, cloud, refusal, spec
from tests.zips import packed


@pytest.fixture(scope="module")
def here() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


# -- configuration ---------------------------------------------------------------------------------------------


def test_a_created_function_is_described_in_full(here: Cloud) -> None:
    content = packed({"app.py": CODE})
    answer = here.functions.create_function(**spec("new", Code={"ZipFile": content}))
    assert answer["State"] == "Pending"
    assert answer["CodeSha256"] == b64encode(hashlib.sha256(content).digest()).decode()
    assert answer["CodeSize"] == len(content)
    assert answer["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/new"}
    here.settle("new")


EVERY: dict[str, Any] = {
    "Description": "d",
    "Timeout": 7,
    "MemorySize": 256,
    "Environment": {"Variables": {"A": "1"}},
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"},
    "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "TracingConfig": {"Mode": "Active"},
    "EphemeralStorage": {"Size": 1024},
    "LoggingConfig": {
        "LogFormat": "JSON",
        "LogGroup": "mine",
        "ApplicationLogLevel": "ERROR",
        "SystemLogLevel": "WARN",
    },
    "SnapStart": {"ApplyOn": "PublishedVersions"},
    "FileSystemConfigs": [
        {
            "Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
            "LocalMountPath": "/mnt/x",
        }
    ],
}


def test_every_setting_is_kept_by_create_and_by_update(here: Cloud) -> None:
    here.create("created", CODE, **EVERY)
    here.create("updated", CODE)
    here.functions.update_function_configuration(FunctionName="updated", **EVERY)
    for name in ("created", "updated"):
        found = here.functions.get_function_configuration(FunctionName=name)
        for key, value in EVERY.items():
            assert found[key] == value if not isinstance(value, dict) else value.items() <= found[key].items(), key


def test_an_update_replaces_a_map_as_a_whole_and_leaves_the_rest(here: Cloud) -> None:
    here.create("map", CODE, Environment={"Variables": {"A": "1"}}, Timeout=9)
    here.functions.update_function_configuration(FunctionName="map", Environment={"Variables": {"B": "2"}})
    found = here.functions.get_function_configuration(FunctionName="map")
    assert found["Environment"] == {"Variables": {"B": "2"}}
    assert found["Timeout"] == 9


def test_what_is_emptied_is_left_out(here: Cloud) -> None:
    before = here.functions.get_function_configuration(FunctionName=here.create("emptied", CODE)["FunctionName"])
    here.functions.update_function_configuration(FunctionName="emptied", **EVERY)
    here.settle("emptied")
    emptied = {
        "Environment": {"Variables": {}},
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
        "DeadLetterConfig": {"TargetArn": ""},
        "KMSKeyArn": "",
        "FileSystemConfigs": [],
        "Layers": [],
    }
    after = here.functions.update_function_configuration(FunctionName="emptied", **emptied)
    assert not (set(after) - set(before)) & set(emptied)


def test_a_revision_changes_with_each_update_and_guards_the_next(here: Cloud) -> None:
    here.create("revision", CODE)
    first = here.functions.get_function_configuration(FunctionName="revision")["RevisionId"]
    second = here.functions.update_function_configuration(FunctionName="revision", Timeout=4, RevisionId=first)
    assert second["RevisionId"] != first
    here.settle("revision")
    calls: list[tuple[Any, dict[str, Any]]] = [
        (here.functions.update_function_configuration, {"Timeout": 5}),
        (here.functions.update_function_code, {"ZipFile": packed({"app.py": "x=1"})}),
        (here.functions.publish_version, {}),
    ]
    for call, more in calls:
        status, code, _ = refusal(call, FunctionName="revision", RevisionId=first, **more)
        assert (status, code) == (412, "PreconditionFailedException")


@pytest.mark.parametrize(
    ("settings", "code", "text"),
    [
        ({"MemorySize": 20_000}, "ValidationException", "Member must have value less than or equal to 10240"),
        ({"Timeout": 901}, "ValidationException", "Member must have value less than or equal to 900"),
        ({"EphemeralStorage": {"Size": 10_241}}, "ValidationException", "'ephemeralStorage.size'"),
        ({"Role": "me"}, "ValidationException", "'role' failed to satisfy constraint"),
        ({"Handler": ""}, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters"),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            "InvalidParameterValueException",
            "Reserved keys used in this request: AWS_REGION",
        ),
        (
            {"Environment": {"Variables": {"LONG": "y" * 4_096}}},
            "InvalidParameterValueException",
            'exceeded the 4KB limit. String measured: {"LONG":"yyy',
        ),
        (
            {"Layers": [f"arn:aws:lambda:us-east-1:123456789012:layer:l{i}:1" for i in range(6)]},
            "InvalidParameterValueException",
            "Cannot reference more than 5 layers.",
        ),
        (
            {"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:none:1"]},
            "InvalidParameterValueException",
            "Layer version arn:aws:lambda:us-east-1:123456789012:layer:none:1 does not exist.",
        ),
        ({"Code": {"ZipFile": packed({})}}, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"),
        ({"Code": {"ZipFile": b"no"}}, "InvalidParameterValueException", "Could not unzip uploaded file. Please check"),
        (
            {"Code": {"ZipFile": packed({"../x": ""})}},
            "InvalidParameterValueException",
            "Could not unzip uploaded file.",
        ),
        (
            {"Code": {"S3Bucket": "no-such-bucket", "S3Key": "k"}},
            "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket",
        ),
        (
            {"Code": {"S3Bucket": "empty-bucket", "S3Key": "k"}},
            "InvalidParameterValueException",
            "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
        ),
    ],
)
def test_what_lambda_refuses_is_refused_with_its_text(here: Cloud, settings: Any, code: str, text: str) -> None:
    here.storage.create_bucket(Bucket="empty-bucket")
    status, found, message = refusal(here.functions.create_function, **spec("refused", **settings))
    assert (status, found) == (400, code)
    assert text in message
    assert refusal(here.functions.get_function, FunctionName="refused")[0] == 404


def test_a_function_that_is_not_there_is_named(here: Cloud) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:nobody"
    expected = (404, "ResourceNotFoundException", f"Function not found: {arn}")
    assert refusal(here.functions.get_function_configuration, FunctionName="nobody") == expected
    assert refusal(here.functions.invoke, FunctionName="nobody") == expected
    assert refusal(here.functions.invoke, FunctionName=arn) == expected


def test_a_name_that_is_taken_is_refused(here: Cloud) -> None:
    here.create("taken", CODE)
    expected = (409, "ResourceConflictException", "Function already exist: taken")
    assert refusal(here.functions.create_function, **spec("taken")) == expected


# -- sizes -----------------------------------------------------------------------------------------------------


def hollow(size: int) -> bytes:
    """A small zip that says it unpacks to ``size`` bytes: only its directory is read before it is refused."""
    content = bytearray(packed({"app.py": CODE}))
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = size.to_bytes(4, "little")
    return bytes(content)


def test_code_alone_over_the_limit_is_refused(here: Cloud) -> None:
    here.create("grows", CODE)
    expected = (400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes")
    assert refusal(here.functions.update_function_code, FunctionName="grows", ZipFile=hollow(262_144_000)) == expected
    assert refusal(here.functions.create_function, **spec("huge", Code={"ZipFile": hollow(300_000_000)})) == expected


def test_code_and_layers_together_over_the_limit_are_refused(here: Cloud) -> None:
    text = "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is"
    real = layer(here, "real", packed({"zeros": bytes(60_000_000)}))
    here.create("summed", CODE, Layers=[real])
    update_code, update = here.functions.update_function_code, here.functions.update_function_configuration
    found = refusal(update_code, FunctionName="summed", ZipFile=hollow(240_000_000))
    assert found == (400, "InvalidParameterValueException", f"{text} 300000000 bytes.")
    too_much = [real, layer(here, "other", hollow(250_000_000))]
    assert text in refusal(update, FunctionName="summed", Layers=too_much)[2]
    assert text in refusal(here.functions.create_function, **spec("sum2", Layers=too_much))[2]


def layer(here: Cloud, name: str, content: bytes) -> str:
    return str(here.functions.publish_layer_version(LayerName=name, Content={"ZipFile": content})["LayerVersionArn"])


def test_a_zip_in_the_request_is_fifty_megabytes_at_most(here: Cloud) -> None:
    here.create("direct", CODE)
    found = refusal(here.functions.update_function_code, FunctionName="direct", ZipFile=bytes(53_000_000))
    text = "Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation"
    assert found == (413, "RequestEntityTooLargeException", text)


# -- code ------------------------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(here: Cloud) -> None:
    before = here.create("dryrun", CODE)["CodeSha256"]
    content = packed({"app.py": "y = 2"})
    tried = here.functions.update_function_code(FunctionName="dryrun", ZipFile=content, DryRun=True)
    assert tried["CodeSha256"] == b64encode(hashlib.sha256(content).digest()).decode()
    assert here.functions.get_function_configuration(FunctionName="dryrun")["CodeSha256"] == before


def test_the_code_can_be_downloaded_without_credentials(here: Cloud) -> None:
    content = packed({"app.py": CODE})
    here.create("download", "", Code={"ZipFile": content})
    location = here.functions.get_function(FunctionName="download")["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert answer.read() == content


def test_a_range_of_the_download_can_be_asked_for(here: Cloud) -> None:
    content = packed({"app.py": CODE})
    here.create("ranged", "", Code={"ZipFile": content})
    location = here.functions.get_function(FunctionName="ranged")["Code"]["Location"]
    request = urllib.request.Request(location, headers={"Range": "bytes=-22"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {len(content) - 22}-{len(content) - 1}/{len(content)}"
        assert answer.read() == content[-22:]


def test_a_version_keeps_its_code_for_download(here: Cloud) -> None:
    here.create("versioned", CODE)
    here.functions.publish_version(FunctionName="versioned")
    here.functions.update_function_code(FunctionName="versioned", ZipFile=packed({"app.py": "z = 3"}))
    location = here.functions.get_function(FunctionName="versioned", Qualifier="1")["Code"]["Location"]
    with urllib.request.urlopen(location) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
        assert archive.read("app.py").decode() == CODE


def test_a_layer_can_be_downloaded_and_found_by_its_arn(here: Cloud) -> None:
    content = packed({"x": "1"})
    made = here.functions.publish_layer_version(LayerName="loaded", Content={"ZipFile": content})
    found = here.functions.get_layer_version_by_arn(Arn=made["LayerVersionArn"])
    for answer in (here.functions.get_layer_version(LayerName="loaded", VersionNumber=made["Version"]), found):
        assert answer["Content"]["CodeSize"] == len(content)
        with urllib.request.urlopen(answer["Content"]["Location"]) as download:
            assert download.read() == content


# -- versions and aliases --------------------------------------------------------------------------------------


def test_a_version_is_a_frozen_copy(here: Cloud) -> None:
    here.create("frozen", "import os\ndef handler(e, c): return os.environ['V']", Environment={"Variables": {"V": "1"}})
    here.functions.publish_version(FunctionName="frozen", Description="first")
    here.functions.update_function_configuration(FunctionName="frozen", Environment={"Variables": {"V": "2"}})
    here.settle("frozen")
    settle_version(here, "frozen", "1")
    assert here.invoke("frozen", Qualifier="1").value == "1"
    assert here.invoke("frozen").value == "2"


def settle_version(here: Cloud, name: str, version: str) -> None:
    while here.functions.get_function_configuration(FunctionName=name, Qualifier=version)["State"] != "Active":
        time.sleep(0.01)


def test_nothing_new_makes_no_new_version(here: Cloud) -> None:
    here.create("same", CODE)
    first = here.functions.publish_version(FunctionName="same")["Version"]
    assert here.functions.publish_version(FunctionName="same")["Version"] == first
    here.functions.update_function_configuration(FunctionName="same", Timeout=8)
    here.settle("same")
    assert here.functions.publish_version(FunctionName="same")["Version"] == str(int(first) + 1)


def test_a_version_number_is_never_given_twice(here: Cloud) -> None:
    here.create("numbers", CODE)
    here.functions.publish_version(FunctionName="numbers")
    here.functions.delete_function(FunctionName="numbers", Qualifier="1")
    assert here.functions.publish_version(FunctionName="numbers")["Version"] == "2"


def test_publishing_checks_the_code_that_is_meant(here: Cloud) -> None:
    here.create("meant", CODE)
    _, code, text = refusal(here.functions.publish_version, FunctionName="meant", CodeSha256="other")
    assert code == "InvalidParameterValueException"
    assert "is different from current CodeSHA256 in $LATEST" in text


def test_versions_come_page_by_page(here: Cloud) -> None:
    here.create("paged", CODE)
    for timeout in (4, 5, 6):
        here.functions.update_function_configuration(FunctionName="paged", Timeout=timeout)
        here.settle("paged")
        here.functions.publish_version(FunctionName="paged")
    pages = here.functions.get_paginator("list_versions_by_function").paginate(
        FunctionName="paged", PaginationConfig={"PageSize": 2}
    )
    assert [[each["Version"] for each in page["Versions"]] for page in pages] == [["$LATEST", "1"], ["2", "3"]]


def test_a_weighted_alias_sends_a_share_to_its_second_version(here: Cloud) -> None:
    here.create("weighted", "def handler(e, c): return c.function_version")
    for timeout in (4, 5):
        here.functions.update_function_configuration(FunctionName="weighted", Timeout=timeout)
        here.settle("weighted")
        settle_version(here, "weighted", here.functions.publish_version(FunctionName="weighted")["Version"])
    alias = {"FunctionName": "weighted", "Name": "live"}
    here.functions.create_alias(**alias, FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    assert {here.invoke("weighted", Qualifier="live").version for _ in range(40)} == {"1", "2"}
    here.functions.update_alias(**alias, FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {here.invoke("weighted:live").value for _ in range(10)} == {"2"}
    gone = {"AdditionalVersionWeights": {"7": 0.5}}
    status, code, _ = refusal(here.functions.update_alias, **alias, RoutingConfig=gone)
    assert (status, code) == (404, "ResourceNotFoundException")


def test_an_alias_has_a_revision_of_its_own(here: Cloud) -> None:
    here.create("aliased", CODE)
    here.functions.publish_version(FunctionName="aliased")
    alias = {"FunctionName": "aliased", "Name": "live"}
    first = here.functions.create_alias(**alias, FunctionVersion="1")["RevisionId"]
    second = here.functions.update_alias(**alias, Description="d", RevisionId=first)["RevisionId"]
    assert second != first
    assert refusal(here.functions.update_alias, **alias, Description="e", RevisionId=first)[0] == 412


def test_a_version_that_an_alias_points_to_cannot_be_deleted(here: Cloud) -> None:
    here.create("pointed", CODE)
    here.functions.publish_version(FunctionName="pointed")
    here.functions.create_alias(FunctionName="pointed", Name="live", FunctionVersion="1")
    text = "Unable to delete version because the following aliases reference it: [live]"
    expected = (409, "ResourceConflictException", text)
    assert refusal(here.functions.delete_function, FunctionName="pointed", Qualifier="1") == expected


@pytest.mark.parametrize(
    "base", ["named", "123456789012:function:named", "arn:aws:lambda:us-east-1:123456789012:function:named"]
)
@pytest.mark.parametrize("qualifier", ["", ":$LATEST", ":1", ":live"])
def test_a_function_goes_by_many_names(here: Cloud, base: str, qualifier: str) -> None:
    if "named" not in [each["FunctionName"] for each in here.functions.list_functions()["Functions"]]:
        here.create("named", "def handler(e, c): return c.invoked_function_arn.split(':')[6:]")
        here.functions.publish_version(FunctionName="named")
        settle_version(here, "named", "1")
        here.functions.create_alias(FunctionName="named", Name="live", FunctionVersion="1")
    assert here.invoke(base + qualifier).value == f"named{qualifier}".split(":")
    assert here.functions.get_function(FunctionName=base + qualifier)["Configuration"]["FunctionName"] == "named"


def test_a_deleted_function_is_gone_and_its_name_is_free(here: Cloud) -> None:
    here.create("gone", CODE)
    here.invoke("gone")
    here.functions.delete_function(FunctionName="gone")
    assert refusal(here.functions.invoke, FunctionName="gone")[0] == 404
    here.create("gone", "def handler(e, c): return 'back'")
    assert here.invoke("gone").value == "back"


def test_tags_are_kept(here: Cloud) -> None:
    arn = here.create("tagged", CODE, Tags={"a": "1"})["FunctionArn"]
    here.functions.tag_resource(Resource=arn, Tags={"b": "2"})
    here.functions.untag_resource(Resource=arn, TagKeys=["a"])
    assert here.functions.list_tags(Resource=arn)["Tags"] == {"b": "2"}


def test_regions_are_apart(here: Cloud) -> None:
    here.create("regional", CODE)
    elsewhere: Any = client(here.aws, "lambda", "eu-central-1")
    assert refusal(elsewhere.get_function, FunctionName="regional")[0] == 404
    elsewhere.close()
