"""A package over Lambda's limit goes the whole way: probed from S3, shrunk, put back; and what may go wrong on it."""

import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from deployer.limits import UNZIPPED
from deployer.local.sandbox.instance import Limits
from tests.functional.local_aws import ROLE, client, cloud
from tests.functional.project import CREATE, FILES, Project, events, killed, write
from tests.zips import packed

HUGE = UNZIPPED + 5_000_000
SLOW = pytest.mark.slow("a package of 267 MB, once more")
PLAIN = {"app.py": "def handler(event, context): return 'before'"}
TRUST = {"Version": "2012-10-17", "Statement": []}


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    """A user with a package of 267 MB, most of it never read."""
    with cloud(settle=0, limits=Limits(start_up=30)) as here:
        for name, value in here.aws.environment({}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        here.storage.create_bucket(Bucket="packages")
        write(tmp_path / "build", FILES)
        with (tmp_path / "build" / "data" / "huge.bin").open("wb") as file:
            file.truncate(HUGE)
        events(tmp_path / "events", open={}, lazy={"do": "lazy"}, look={"do": "look"})
        yield Project(here, tmp_path, capsys)


def test_the_whole_way_there_and_back(project):
    probed = project.probe("--invoke", "events")
    assert probed.code == 0, probed.err
    assert probed.json["failed"] == 0
    assert probed.json["answers"] == 3
    assert probed.json["unpacked"] == {"storage": 512 + 273, "memory": 1769, "timeout": 60 + 10 + 10}
    found = project.configuration()
    assert (found["EphemeralStorage"]["Size"], found["MemorySize"], found["Timeout"]) == (785, 1769, 80)
    assert project.cloud.invoke("f").value == "opened"
    status = project.ldeploy("status", "f", "--output", "json").json
    assert (status["state"], status["deployed"], status["faults"]) == ("probed", "stub", {})
    shrunk = project.shrink()
    assert shrunk.code == 0, shrunk.err
    assert shrunk.json["state"] == "deployed"
    assert project.deployed() == set(FILES) - {"unused.py", "data/never.bin"}
    after = project.configuration()
    assert (after["EphemeralStorage"]["Size"], after["MemorySize"], after["Timeout"]) == (512, 1024, 60)
    assert "Layers" not in after or not after["Layers"]
    for event, answer in (({}, "opened"), ({"do": "lazy"}, "lazy"), ({"do": "look"}, True)):
        assert project.cloud.invoke("f", event).value == answer
    restored = project.ldeploy("restore", "f", "--output", "json")
    assert restored.code == 0
    assert "There was no f before the probe" in restored.json["warnings"][0]


SIZED = """
import os
def handler(event, context):
    with open("data/huge.bin", "rb") as file:
        return [len(file.read(99)), os.path.getsize("data/huge.bin"), os.environ.get("OWN"), sorted(os.listdir("data"))]
"""
OWN = """#!/bin/sh
[ "$AWS_LAMBDA_EXEC_WRAPPER" = /var/task/own.sh ] && export OWN=yes
exec "$@"
"""


SMALL = "import os\ndef handler(event, context): return ['another', os.environ.get('OWN')]\n"


def test_what_is_needed_and_does_not_fit_is_packed_and_unpacked_at_start(project):
    build = write(project.folder / "build", {"app.py": SIZED, "own.sh": OWN})
    (build / "own.sh").chmod(0o755)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/own.sh"}
    project.cloud.create("f", {**PLAIN, "own.sh": OWN}, Environment={"Variables": variables})
    before = project.configuration()
    full = [99, HUGE, "yes", ["huge.bin", "looked_at.txt", "never.bin", "opened.txt"]]
    assert project.ldeploy(*PROBE).code == 0
    assert project.cloud.invoke("f").value == full
    shrunk = project.shrink("--keep", "data/*")
    assert (shrunk.code, shrunk.json["state"]) == (0, "deployed"), shrunk.err
    assert "1 file of 267.1 MB did not fit" in " ".join(shrunk.json["warnings"])
    assert project.cloud.invoke("f").value == full
    found = project.configuration()
    assert found["EphemeralStorage"]["Size"] == 512 + 255
    assert found["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/ldeploy-start/wrapper"
    assert project.ldeploy("deploy", "f", "--package", "build", "--bucket", "packages", "--keep", "data/*").code == 0
    assert project.configuration() == found
    assert project.cloud.invoke("f").value == full
    again = project.ldeploy("probe", "f")
    assert again.code == 1
    assert "Name the full build with --package" in again.err
    assert project.ldeploy("restore", "f").code == 0
    assert project.configuration() == before
    assert project.ldeploy(*PROBE).code == 0
    assert project.cloud.invoke("f").value == full
    assert project.shrink("--keep", "data/*").code == 0
    assert project.configuration() == found
    small = packed({"app.py": SMALL, "own.sh": OWN})
    project.cloud.functions.update_function_code(FunctionName="f", ZipFile=small)
    assert project.cloud.invoke("f").value == ["another", "yes"]
    assert "give --force" in project.ldeploy("restore", "f").err
    assert project.ldeploy("restore", "f", "--force").code == 0
    assert project.configuration() == before


@pytest.mark.parametrize("arguments", [pytest.param((), marks=SLOW), ("--attach-policy",)])
def test_what_is_over_the_limit_even_packed_stays_in_s3(project, roles, arguments):
    """What does not shrink by packing: bytes that are random."""
    write(project.folder / "build", {"app.py": SIZED})
    with (project.folder / "build" / "data" / "huge.bin").open("wb") as file:
        for _ in range(HUGE // 1_000_000 + 1):
            file.write(os.urandom(1_000_000))
    size = (project.folder / "build" / "data" / "huge.bin").stat().st_size
    reader = a_role(roles)
    project.cloud.create("f", PLAIN, Role=reader, Timeout=60)
    assert project.ldeploy(*PROBE, "--attach-policy").code == 0
    answer = project.cloud.invoke("f").value
    assert answer[1] == size
    before = project.configuration()
    shrunk = project.shrink("--keep", "data/*", *arguments)
    if not arguments:
        assert shrunk.code == 1
        assert "would read it from S3 at start" in shrunk.err
        assert project.configuration() == before
        return
    assert (shrunk.code, shrunk.json["state"]) == (0, "deployed"), shrunk.err
    assert "without bytecode" not in shrunk.err
    assert "fetched from S3" in shrunk.json["warnings"][0]
    assert shrunk.json["after"]["bytes"] < 1_000_000
    assert project.cloud.invoke("f").value == answer
    assert roles.list_role_policies(RoleName="reader")["PolicyNames"] == ["ldeploy-f-rest"]
    assert project.ldeploy("restore", "f").code == 0
    assert roles.list_role_policies(RoleName="reader")["PolicyNames"] == []
    assert project.cloud.invoke("f").value == "before"


def test_where_nothing_may_be_packed_it_is_over_the_limit(project):
    write(project.folder / "build", {"app.py": SIZED})
    assert project.probe().code == 0
    project.cloud.invoke("f")
    refused = project.shrink("--no-fit")
    assert (refused.code, refused.json["state"]) == (3, "over_limit")
    assert project.cloud.invoke("f").error is None


def test_layers_count_too(project):
    (project.folder / "build" / "data" / "huge.bin").write_bytes(b"\0" * 100_000_000)
    zeros = packed({"python/zeros.bin": b"\0" * 200_000_000})
    layer = project.cloud.functions.publish_layer_version(LayerName="own", Content={"ZipFile": zeros})
    project.cloud.create("f", PLAIN, Layers=[layer["LayerVersionArn"]])
    probed = project.ldeploy(*PROBE)
    assert (probed.code, probed.json["unpacked"]["storage"]) == (0, 512 + 114), probed.err
    assert project.cloud.invoke("f").value == "opened"


def present(project: Project) -> None:
    """A function of the user's own, with a build to come that is over the limit."""
    project.cloud.create("f", PLAIN, Timeout=7, MemorySize=256)


PROBE = ("probe", "f", "--package", "build", "--bucket", "packages", "--output", "json")


def test_restore_leads_back_to_what_was_there(project):
    present(project)
    before = project.configuration()
    assert project.ldeploy(*PROBE).code == 0
    assert project.cloud.invoke("f").value == "opened"
    assert project.ldeploy("restore", "f").code == 0
    assert project.configuration() == before
    assert project.cloud.invoke("f").value == "before"


def test_a_second_probe_of_the_same_package_changes_nothing(project):
    present(project)
    project.ldeploy(*PROBE)
    before = project.configuration()
    again = project.ldeploy(*PROBE)
    assert again.code == 0, again.err
    assert project.configuration() == before
    project.ldeploy("restore", "f")
    assert project.configuration()["MemorySize"] == 256


def test_a_package_of_the_users_own_in_s3_is_read_from_there(project):
    project.probe()
    key = next(
        each["Key"] for each in project.cloud.storage.list_objects_v2(Bucket="packages")["Contents"]
        if each["Size"] > 100_000
    )  # fmt: skip
    project.cloud.storage.copy_object(Bucket="packages", Key="mine.zip", CopySource=f"packages/{key}")
    project.cloud.storage.delete_object(Bucket="packages", Key=key)
    arguments = ("--package", "s3://packages/mine.zip", "--invoke", "events", "--output", "json")
    probed = project.ldeploy("probe", "g", *arguments, *CREATE)
    assert (probed.code, probed.json["failed"]) == (0, 0), probed.err
    assert project.ldeploy("shrink", "g", "--from-logs").code == 0
    assert project.cloud.invoke("g").value == "opened"


# -- the role --------------------------------------------------------------------------------------------------------


@pytest.fixture
def roles(project):
    iam = client(project.cloud.aws, "iam")
    yield iam
    iam.close()


def a_role(roles, *statements):
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    role = roles.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    if statements:
        roles.put_role_policy(RoleName="reader", PolicyName="own", PolicyDocument=document)
    return role["Arn"]


def test_a_role_that_may_not_read_the_package_is_known_before_anything_changes(project, roles):
    project.cloud.create("f", PLAIN, Role=a_role(roles))
    project.cloud.aws.faults.forget()
    refused = project.ldeploy(*PROBE)
    assert refused.code == 1
    assert "may not" in refused.err
    assert "--attach-policy" in refused.err
    assert '"Action": "s3:GetObject"' in refused.err
    assert project.changes() == []


def test_a_role_that_may_read_it_needs_nothing(project, roles):
    allow = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::packages/*"}
    project.cloud.create("f", PLAIN, Role=a_role(roles, allow))
    probed = project.ldeploy(*PROBE, "--attach-policy")
    assert (probed.code, probed.json["warnings"]) == (0, [])
    assert roles.list_role_policies(RoleName="reader")["PolicyNames"] == ["own"]


@pytest.mark.parametrize("end", [("shrink", "f", "--from-logs"), ("restore", "f")])
def test_leave_to_read_is_given_for_the_probe_alone(project, roles, end):
    project.cloud.create("f", PLAIN, Role=a_role(roles))
    assert project.ldeploy(*PROBE, "--attach-policy").code == 0
    given = roles.get_role_policy(RoleName="reader", PolicyName="ldeploy-f")["PolicyDocument"]["Statement"]
    (statement,) = given
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"].startswith("arn:aws:s3:::packages/ldeploy/")
    assert project.cloud.invoke("f").value == "opened"
    done = project.ldeploy(*end)
    assert done.code == 0, done.err
    assert roles.list_role_policies(RoleName="reader")["PolicyNames"] == []


def test_where_nobody_may_ask_what_the_role_may_it_is_said(project):
    present(project)
    project.cloud.aws.faults.order("iam.SimulatePrincipalPolicy", "deny")
    probed = project.ldeploy(*PROBE)
    assert probed.code == 0
    assert f"Whether {ROLE} may read" in probed.json["warnings"][0]


@pytest.mark.parametrize("step", [7, 8, *(pytest.param(step, marks=SLOW) for step in (5, 6, 9, 10))])
def test_a_probe_that_was_killed_can_be_run_again_and_undone(project, roles, step):
    """After each step the function answers: with the code before, or with the whole package."""
    project.cloud.create("f", PLAIN, Role=a_role(roles))
    before = project.configuration()
    assert killed(project, step, (*PROBE, "--attach-policy", "--yes"))
    assert project.cloud.invoke("f").value in {"before", "opened"}
    if step % 2:
        assert project.ldeploy(*PROBE, "--attach-policy", "--yes").code == 0
        assert project.cloud.invoke("f").value == "opened"
    assert project.ldeploy("restore", "f").code == 0
    assert project.configuration() == before
    assert roles.list_role_policies(RoleName="reader")["PolicyNames"] == []


# -- S3, when the function starts ------------------------------------------------------------------------------------


def complaint(project: Project) -> str:
    """What the log says of a function that cannot start."""
    result = project.cloud.invoke("f")
    assert result.error
    return next(line for line in project.cloud.messages("f") if line.startswith("ldeploy: the package could not"))


def unstarted(project: Project) -> tuple[str, str]:
    """The same, and what status says of it."""
    line = complaint(project)
    status = project.ldeploy("status", "f")
    assert status.code == 0
    return line, status.err + status.out


def the_package(project: Project) -> str:
    found = project.cloud.storage.list_objects_v2(Bucket="packages")["Contents"]
    return str(next(each["Key"] for each in found if each["Size"] > 100_000))


def test_a_package_that_is_gone_is_said_in_the_log_and_in_status(project):
    project.probe()
    project.cloud.storage.delete_object(Bucket="packages", Key=the_package(project))
    line, status = unstarted(project)
    assert "is gone" in line
    assert "the full package is gone from S3 (unpack-gone" in status


def test_a_package_that_was_changed_is_not_run(project):
    project.probe()
    key = the_package(project)
    size = project.cloud.storage.head_object(Bucket="packages", Key=key)["ContentLength"]
    project.cloud.storage.put_object(Bucket="packages", Key=key, Body=os.urandom(size))
    line, status = unstarted(project)
    assert "is not what was probed" in line
    assert "unpack-damaged" in status


def test_a_package_that_was_cut_off_is_not_run(project):
    project.probe()
    key = the_package(project)
    whole = project.cloud.storage.get_object(Bucket="packages", Key=key)["Body"].read()
    project.cloud.storage.put_object(Bucket="packages", Key=key, Body=whole[: len(whole) // 2])
    line, status = unstarted(project)
    assert "was replaced by another object" in line
    assert "The function did not start" in status


def test_another_object_in_the_users_own_place_is_not_run(project):
    project.probe()
    project.cloud.storage.copy_object(Bucket="packages", Key="mine.zip", CopySource=f"packages/{the_package(project)}")
    assert project.ldeploy("probe", "f", "--package", "s3://packages/mine.zip").code == 0
    project.cloud.storage.put_object(Bucket="packages", Key="mine.zip", Body=os.urandom(1_000_000))
    line, status = unstarted(project)
    assert "s3://packages/mine.zip was replaced by another object" in line
    assert "unpack-changed" in status


def test_a_zip_that_unpacks_to_more_than_it_says_is_not_run(project):
    """100 times as much: written no further than to the size that it says, and never taken for the package."""
    with zipfile.ZipFile(project.folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
        archive.write(project.folder / "build" / "data" / "huge.bin", "data/huge.bin")
        archive.writestr("bomb.bin", bytes(10_000_000))
        archive.getinfo("bomb.bin").file_size = 100_000
    probed = project.ldeploy("probe", "f", "--package", "bomb.zip", "--bucket", "packages", *CREATE)
    assert probed.code == 0, probed.err
    line, status = unstarted(project)
    assert "bomb.bin in s3://packages/ldeploy/" in line
    assert "is not what was probed" in line
    assert "unpack-damaged" in status


def test_a_role_that_may_not_read_after_all_is_said(project):
    project.probe()
    project.cloud.aws.faults.order("s3.GetObject", "deny", times=100)
    line = complaint(project)
    assert "may not read s3://packages/ldeploy/" in line
    project.cloud.aws.faults.clear()
    assert project.cloud.invoke("f").value == "opened"


@pytest.mark.parametrize(
    "kind",
    ["throttle", "cut", *(pytest.param(kind, marks=SLOW) for kind in ("error", "lose_request", "lose_answer", "slow"))],
)
def test_what_s3_drops_or_refuses_for_a_moment_is_asked_again(project, kind):
    project.probe()
    project.cloud.aws.faults.order("s3.GetObject", kind, times=2)
    assert project.cloud.invoke("f").value == "opened"


def test_two_sandboxes_that_start_at_once_have_each_the_whole_package(project):
    project.probe()
    with ThreadPoolExecutor(2) as both:
        results = list(both.map(lambda _: project.cloud.invoke("f"), range(2)))
    assert [result.value for result in results] == ["opened"] * 2
    starts = [line for line in project.cloud.messages("f") if "INIT_START" in line]
    assert len(starts) == 2


SMALL_TMP = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=64m none /tmp && exec "$@"', "sh")


def test_a_tmp_that_is_full_is_said_and_starts_nothing(project):
    """As one that nobody had raised: a disk of 64 MB, laid over the sandbox's own."""
    project.cloud.aws._launcher = replace(project.cloud.aws._launcher, prefix=SMALL_TMP)
    project.probe()
    result = project.cloud.invoke("f")
    if "unshare:" in result.log or "mount:" in result.log:
        pytest.skip("no disk can be laid over another inside a sandbox of this machine")
    line, status = unstarted(project)
    assert "it needs 254 MB more of /tmp" in line
    assert "raise the function's ephemeral storage" in line
    assert "unpack-space" in status


def test_a_package_over_what_tmp_can_be_is_refused(project):
    with zipfile.ZipFile(project.folder / "big.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(project.folder / "build" / "app.py", "app.py")
        archive.writestr("big.bin", "x")
        archive.getinfo("big.bin").file_size = 11 << 30
    project.cloud.aws.faults.forget()
    refused = project.ldeploy("probe", "f", "--package", "big.zip", "--bucket", "packages", *CREATE)
    assert refused.code == 3
    assert "needs 11,283 MB of /tmp, and Lambda gives a function 10,240 at most" in refused.err
    assert "big.bin 11811.2 MB" in refused.err
    assert project.changes() == []


def test_a_start_that_is_cut_off_goes_on_inside_the_invocation(tmp_path, monkeypatch, project):
    """Lambda ends a start-up after 10 s and begins it again under the function's timeout; /tmp survives that."""
    project.cloud.aws._limits = Limits(start_up=0.4)
    project.probe()
    project.cloud.aws.faults.order("s3.GetObject", "slow", times=1)
    result = project.cloud.invoke("f")
    assert (result.value, result.error) == ("opened", None)
    assert "INIT_REPORT" in result.log or any("INIT_REPORT" in line for line in project.cloud.messages("f"))
