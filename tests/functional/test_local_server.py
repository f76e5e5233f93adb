"""The embedded AWS as a whole: what it starts, leaves, and shows of its sandboxes."""

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import psutil
import pytest

from deployer.errors import PackageError, UsageError
from deployer.local import Isolation, Limits, LocalAws
from deployer.local.sandbox.code_store import CodeStore
from tests.functional.local_aws import CODE, ROLE, RUNTIME, client, cloud, refusal
from tests.zips import packed


def sleeper(seconds: int) -> str:
    """A function with a child that goes on; the seconds tell one test's from another's."""
    return f"import subprocess\nsubprocess.Popen(['sleep', '{seconds}'])\ndef handler(e, c): pass"


SECONDS = 100_000 + 2 * os.getpid()
"""Of this process's sleepers: other runs of the tests on this machine have others."""


@pytest.fixture(autouse=True)
def _others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember which processes the worker has already, such as the one that children are forked from."""
    monkeypatch.setitem(BEFORE, "pids", {process.pid for process in psutil.Process().children(recursive=True)})


BEFORE: dict[str, set[int]] = {"pids": set()}


def started() -> list[psutil.Process]:
    """Return the processes below this one that the test started."""
    return [process for process in psutil.Process().children(recursive=True) if process.pid not in BEFORE["pids"]]


def sleepers(seconds: int) -> list[int]:
    return [process.pid for process in psutil.process_iter() if is_sleeper(process, seconds)]


def is_sleeper(process: psutil.Process, seconds: int) -> bool:
    try:
        return process.cmdline() == ["sleep", str(seconds)]
    except psutil.Error:
        return False


def test_nothing_is_left_after_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mounts = Path("/proc/self/mounts").read_text()
    with cloud() as here:
        here.create("sleeper", sleeper(SECONDS))
        here.invoke("sleeper")
        assert sleepers(SECONDS)
    assert sleepers(SECONDS) == []
    assert started() == []
    assert list(tmp_path.iterdir()) == []
    assert Path("/proc/self/mounts").read_text() == mounts


def test_an_invocation_under_way_does_not_keep_the_server_up() -> None:
    with cloud() as here:
        here.create("endless", "import time\ndef handler(e, c): time.sleep(900)", Timeout=900)
        here.functions.invoke(FunctionName="endless", InvocationType="Event", Payload=b"{}")
        while not started():
            time.sleep(0.01)
    assert started() == []


def test_sandboxes_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    source = f"""
        import sys
        from tests.functional.local_aws import cloud
        with cloud() as here:
            here.create("sleeper", {sleeper(SECONDS + 1)!r})
            here.invoke("sleeper")
            print("ready", flush=True)
            sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(source)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        assert sleepers(SECONDS + 1)
        server.send_signal(signal.SIGKILL)
        server.wait()
    while sleepers(SECONDS + 1):  # or the test ends by pytest's timeout
        time.sleep(0.02)


def test_an_idle_sandbox_is_ended() -> None:
    with cloud(limits=Limits(idle=0.2)) as here:
        here.create("idle", "import uuid\nME = str(uuid.uuid4())\ndef handler(e, c): return ME")
        first = here.invoke("idle").value
        while started():
            time.sleep(0.02)
        assert here.invoke("idle").value != first


def test_slow_start_up_is_run_again_inside_the_first_invocation() -> None:
    source = """
        import os, time
        open("/tmp/starts", "a").write("x")
        time.sleep(1.5)
        def handler(event, context):
            return open("/tmp/starts").read()
    """
    with cloud(limits=Limits(start_up=1.0)) as here:
        here.create("slowstart", source, Timeout=60)
        result = here.invoke("slowstart")
        assert result.value == "xx"
        assert "Init Duration" not in result.log.splitlines()[-1]
        assert any("Phase: init\tStatus: timeout" in line for line in here.messages("slowstart"))


def test_one_after_another_start_empty() -> None:
    with cloud() as here:
        here.storage.create_bucket(Bucket="of-the-first")
    with cloud() as here:
        assert here.storage.list_buckets()["Buckets"] == []


def test_a_port_that_is_taken_is_an_error_that_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="Address already in use"):
        LocalAws(port=taken.getsockname()[1]).start()
    assert list(tmp_path.iterdir()) == []


def test_a_stack_makes_a_function_that_runs() -> None:
    code = "def handler(event, context): return 'from a stack'"
    resources = {
        "F": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"ZipFile": code},
                "Handler": "index.handler",
                "Role": ROLE,
                "Runtime": RUNTIME,
                "Timeout": 5,
            },
        }
    }
    with cloud() as here:
        stacks = client(here.aws, "cloudformation")
        stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
        found = stacks.describe_stack_resources(StackName="s")["StackResources"]
        name = found[0]["PhysicalResourceId"]
        here.settle(name)
        assert here.invoke(name).value == "from a stack"
        stacks.delete_stack(StackName="s")
        stacks.close()
        assert here.functions.list_functions()["Functions"] == []


def test_a_second_one_in_the_same_process_is_refused() -> None:
    with cloud(), pytest.raises(UsageError, match="Another embedded AWS is running"):
        LocalAws().start()


def test_a_web_page_is_turned_away() -> None:
    with LocalAws() as aws:
        request = urllib.request.Request(aws.endpoint_url, headers={"Origin": "http://example.com"})
        with pytest.raises(urllib.error.HTTPError, match="403") as caught:
            urllib.request.urlopen(request)
        caught.value.close()


def test_the_environment_for_a_command_leads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    with LocalAws() as aws:
        found = aws.environment()
        assert found["AWS_ENDPOINT_URL"] == aws.endpoint_url
        assert found["PATH"] == os.environ["PATH"]
        assert "AWS_PROFILE" not in found


def test_a_prefix_sees_the_runtime_start_and_leaves_its_file_outside(tmp_path: Path) -> None:
    prefix = ("/bin/sh", "-c", 'echo "$@" > {sandbox}/command; exec "$@"', "sh")
    with cloud(prefix=prefix, traces=tmp_path / "traces") as here:
        here.create("traced", "def handler(e, c): return c.log_stream_name")
        stream = here.invoke("traced").value
    sandbox = stream.partition("]")[2]
    assert (tmp_path / "traces" / sandbox / "command").read_text() == "/var/runtime/bootstrap\n"


@pytest.mark.parametrize("isolation", list(Isolation))
def test_a_function_runs_however_far_it_can_be_kept_apart(isolation: Isolation) -> None:
    if isolation is Isolation.ROOT and os.geteuid() != 0:
        pytest.skip("needs root")
    source = """
        import os, pathlib
        def handler(event, context):
            (pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / "x").touch()
            return [os.path.samefile(os.getcwd(), os.environ["LAMBDA_TASK_ROOT"]), event]
    """
    with cloud(limits=Limits(isolation=isolation)) as here:
        here.create("apart", source)
        assert here.invoke("apart", 5).value == [True, 5]
        content = packed({"wrapper": '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n'})
        layer = here.functions.publish_layer_version(LayerName="w", Content={"ZipFile": content})["LayerVersionArn"]
        wrapped = {"Layers": [layer], "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}}}
        here.create("wrapped", "import os\ndef handler(e, c): return os.environ['WRAPPED']", **wrapped)
        assert here.invoke("wrapped").value == "yes"
        here.create("dies", "import os\ndef handler(e, c): os._exit(2)")
        assert here.invoke("dies").value["errorMessage"].endswith("exit status 2")
    assert started() == []


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out"])
def test_a_zip_cannot_write_outside_its_root(tmp_path: Path, name: str) -> None:
    store = CodeStore(tmp_path / "store")
    stored = store.put(packed({name: "x"}))
    with pytest.raises(PackageError, match="outside its root"):
        store.tree(stored.sha256)
    assert [path.name for path in tmp_path.rglob("*out*")] == []


def test_a_zip_cannot_write_through_its_own_symlink(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    store = CodeStore(tmp_path / "store")
    stored = store.put(links({"way": str(tmp_path / "victim"), "way/in": "/etc/passwd"}, {"way/file": "x"}))
    with pytest.raises(PackageError):
        store.tree(stored.sha256)
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_symlink_is_kept_as_it_is(tmp_path: Path) -> None:
    store = CodeStore(tmp_path / "store")
    stored = store.put(links({"later": "/tmp/later", "app": "app.py"}, {"app.py": CODE}))
    tree = store.tree(stored.sha256)
    assert (tree / "later").readlink() == Path("/tmp/later")
    assert (tree / "app").read_text() == CODE


def links(symlinks: dict[str, str], files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, target in symlinks.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o120777 << 16
            archive.writestr(entry, target)
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("wanted", "content"),
    [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-3", b"789"), ("bytes=0-99", None), ("bytes=x", None)],
)
def test_a_range_of_an_object_is_what_it_asks_for(wanted: str, content: bytes | None) -> None:
    with cloud() as here:
        here.storage.create_bucket(Bucket="numbers")
        here.storage.put_object(Bucket="numbers", Key="digits", Body=b"0123456789")
        answer = here.storage.get_object(Bucket="numbers", Key="digits", Range=wanted)
        assert answer["Body"].read() == (content or b"0123456789")
        refused = refusal(here.storage.get_object, Bucket="numbers", Key="digits", Range="bytes=10-12")
        assert refused[:2] == (416, "InvalidRange")
        replaced = refusal(here.storage.get_object, Bucket="numbers", Key="digits", Range=wanted, IfMatch='"other"')
        assert replaced[:2] == (412, "PreconditionFailed")


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example:{port}", 403), ("127.0.0.1.evil.example", 403), ("localhost:{port}", 200), ("[::1]:{port}", 200)],
)
def test_only_this_machine_s_own_names_are_answered(host, status):
    with LocalAws() as aws:
        port = aws.endpoint_url.rpartition(":")[2]
        connection = http.client.HTTPConnection("127.0.0.1", int(port))
        connection.request("GET", "/_ldeploy/journal", headers={"Host": host.format(port=port)})
        assert connection.getresponse().status == status
        connection.close()
