"""What could not be seen is said: each fault is in the record, and in what ``gather`` makes of the log."""

import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from deployer.evidence import gather
from deployer.models.evidence import LogEvent
from probe_layer.record import encode
from tests.functional.probe_host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.add("data/file.txt", "x")
    host.add("app.py", "def handler(event, context): return open('data/file.txt').read()")
    return host


def limited(name: str, number: int) -> list[str]:
    """A prefix that holds what follows to a limit of inotify's, for a user namespace of its own."""
    prefix = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    prefix += [f'echo {number} > /proc/sys/user/{name} && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("user namespaces are not allowed here")
    return prefix


def test_watches_that_the_kernel_refuses(host: Host) -> None:
    """ENOSPC: some directories are watched, and some are not."""
    run = host.run(prefix=limited("max_inotify_watches", 1))
    assert run.answers == ["x"]
    assert "inotify-refused" in run.faults
    assert "data/file.txt" in run.touched("opened")


def test_no_inotify_at_all(host: Host) -> None:
    """EMFILE: the kernel gives this user no more of them."""
    run = host.run(prefix=limited("max_inotify_instances", 0))
    assert run.answers == ["x"]
    assert run.faults == {"inotify-missing"}
    assert {"app.py", "data/file.txt"} <= run.touched("opened")
    assert run.records[-1].touched == {"opened@audit+shim": ["data/file.txt"]}
    assert "inotify" not in run.records[-1].witnesses


def test_too_few_descriptors(host: Host) -> None:
    """EMFILE: the function's own limit is lower than where the probe would put its descriptor."""
    run = host.run(prefix=["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"])
    assert run.answers == ["x"]
    assert run.faults == set()
    assert "data/file.txt" in run.touched("opened")


def test_an_open_that_inotify_did_not_report(host: Host) -> None:
    """In a folder that was made behind the probe's back: there is no watch on it."""
    host.add("app.py", dedent("""
        import os
        def handler(event, context):
            os.mkdir("made")
            open("made/file.txt", "w").close()
            return open("made/file.txt").read()
    """))  # fmt: skip
    run = host.run()
    assert run.answers == [""]
    assert run.faults == {"inotify-missed"}
    assert "made/file.txt" in run.touched("opened")


def test_an_open_that_the_shim_did_not_note(host: Host) -> None:
    host.add("app.py", dedent("""
        import ctypes
        def handler(event, context):
            if event == "open":
                ctypes.PyDLL(None).ldeploy_mute(1)
                return open("data/file.txt").read()
    """))  # fmt: skip
    run = host.run(["open", "go on"])
    assert run.answers == ["x", None]
    assert run.faults == {"shim-missed"}
    assert run.records[1].touched == {"opened@audit+inotify": ["data/file.txt"]}


def test_a_journal_that_is_full(host: Host) -> None:
    host.add("app.py", dedent("""
        import ctypes, os
        def handler(event, context):
            shim = ctypes.PyDLL(None)
            root = os.fsencode(os.getcwd())
            for number in range(80_000):
                shim.ldeploy_note(108, root + b"/" + b"x" * 100 + b"%d" % number)
            return open("data/file.txt").read()
    """))  # fmt: skip
    run = host.run([1, 2])
    assert run.answers == ["x", "x"]
    assert "journal-full" in run.faults
    assert "data/file.txt" in run.touched("opened")


def test_nowhere_to_write_to(host: Host) -> None:
    """What could not be written is written when there is somewhere again, with the fault."""
    host.add("app.py", dedent("""
        import os
        def handler(event, context):
            if event == "close":
                os.kept = os.dup(1), os.dup(2)
                os.close(1), os.close(2)
                return os.path.exists("data/file.txt")
            os.dup2(os.kept[0], 1), os.dup2(os.kept[1], 2)
    """))  # fmt: skip
    run = host.run(["close", "open", "open"])
    assert run.answers == [True, None, None]
    assert "output-closed" in run.faults
    assert "data/file.txt" in run.touched("looked")
    assert sum(record.invocations for record in run.records) >= 1


def test_a_probe_that_fails(host: Host) -> None:
    host.add("app.py", dedent("""
        import gc
        def handler(event, context):
            if event == "break":
                next(o for o in gc.get_objects() if type(o).__name__ == "Collector")._compare = None
            return open("data/file.txt").read()
    """))  # fmt: skip
    run = host.run(["break", "go on", "go on"])
    assert run.answers == ["x"] * 3
    assert run.faults == {"probe-failed"}
    assert "data/file.txt" in run.touched("opened")


def test_every_fault_is_told_with_its_number_of_records(host: Host) -> None:
    (host.opt / "ldeploy/shim/x86_64.so").write_bytes(b"no library")
    lines = [line for record in host.run().records for line in encode(record)]
    log = [LogEvent(str(number), number, line) for number, line in enumerate(lines)]
    assert gather(log, "00112233aabbccdd").faults == {"shim-missing": 1}
