"""The embedded AWS as a whole: what it starts, leaves, and shows of its sandboxes."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from deployer.errors import PackageError
from deployer.local import Isolation, Limits, LocalAws
from deployer.local.code_store import CodeStore
from tests.functional.local_aws import CODE, cloud, packed


def sleeper(seconds: int) -> str:
    """A function with a child that goes on; the seconds tell one test's from another's."""
    return f"import subprocess\nsubprocess.Popen(['sleep', '{seconds}'])\ndef handler(e, c): pass"


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
        here.create("sleeper", sleeper(2341))
        here.invoke("sleeper")
        assert sleepers(2341)
    assert sleepers(2341) == []
    assert psutil.Process().children(recursive=True) == []
    assert list(tmp_path.iterdir()) == []
    assert Path("/proc/self/mounts").read_text() == mounts


def test_an_invocation_under_way_does_not_keep_the_server_up() -> None:
    with cloud() as here:
        here.create("endless", "import time\ndef handler(e, c): time.sleep(900)", Timeout=900)
        here.functions.invoke(FunctionName="endless", InvocationType="Event", Payload=b"{}")
        while not psutil.Process().children(recursive=True):
            time.sleep(0.01)
    assert psutil.Process().children(recursive=True) == []


def test_sandboxes_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    source = f"""
        import sys
        from tests.functional.local_aws import cloud
        with cloud() as here:
            here.create("sleeper", {sleeper(2342)!r})
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
        assert sleepers(2342)
        server.send_signal(signal.SIGKILL)
        server.wait()
    deadline = time.monotonic() + 20
    while sleepers(2342) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sleepers(2342) == []


def test_an_idle_sandbox_is_ended() -> None:
    with cloud(limits=Limits(idle=0.2)) as here:
        here.create("idle", "import uuid\nME = str(uuid.uuid4())\ndef handler(e, c): return ME")
        first = here.invoke("idle").value
        while psutil.Process().children():
            time.sleep(0.02)
        assert here.invoke("idle").value != first


def test_one_after_another_start_empty() -> None:
    with cloud() as here:
        here.storage.create_bucket(Bucket="of-the-first")
    with cloud() as here:
        assert here.storage.list_buckets()["Buckets"] == []


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
    with cloud(isolation=isolation) as here:
        here.create("apart", source)
        assert here.invoke("apart", 5).value == [True, 5]
        here.create("dies", "import os\ndef handler(e, c): os._exit(2)")
        assert here.invoke("dies").value["errorMessage"].endswith("exit status 2")
    assert psutil.Process().children(recursive=True) == []


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
