"""Whatever happens to a sandbox: what was touched up to then is in the log, at the latest when it is started again."""

import multiprocessing
from pathlib import Path
from textwrap import dedent

import pytest

from probe_layer.journal import Journal
from tests.functional.probe_host import Host, Run


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


HELD: list[Journal] = []


def hold_journal(path: str, package: str) -> str:
    """Another runtime, as far as the journal goes; it lives as long as the process does."""
    HELD.append(Journal(path, package))
    return HELD[0].sandbox


def run_twice(host: Host, body: str) -> tuple[Run, Run]:
    """A function that dies at its first event, and the runtime that is started after it."""
    host.add("data/asked.txt", "x")
    host.add("data/opened.txt", "x")
    host.add("app.py", dedent(body))
    return host.run(["die"]), host.run(["live"])


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_killed_runtimes_last_touches_are_logged_by_the_next(host: Host, end: str) -> None:
    first, second = run_twice(host, f"""
        import os
        def handler(event, context):
            if event == "die":
                os.path.exists("data/asked.txt"), open("data/opened.txt").close()
                {end}
    """)  # fmt: skip
    assert "data/asked.txt" not in first.touched()
    left = second.records[0]
    assert (left.phase, left.request) == ("idle", None)
    assert left.touched == {"opened@audit+shim": ["data/opened.txt"], "looked": ["data/asked.txt"]}
    assert {record.sandbox for record in first.records + second.records} == {left.sandbox}
    assert [record.line for record in first.records + second.records] == [0, 1, 2, 3]


def test_a_restarted_runtime_does_not_log_again_what_is_in_the_log(host: Host) -> None:
    first, second = run_twice(host, """
        import os
        def handler(event, context):
            if event == "die":
                os._exit(3)
    """)  # fmt: skip
    assert "app.py" in first.touched("opened")
    assert second.touched() == set()


def test_what_a_library_opened_is_not_lost_with_a_killed_runtime(host: Host) -> None:
    """The loader opens it by a call of its own, which only the kernel's account shows."""
    (host.task / "lib.so").write_bytes((host.opt / "ldeploy/shim/x86_64.so").read_bytes())
    _, second = run_twice(host, """
        import ctypes, os, time
        def handler(event, context):
            if event == "die":
                ctypes.CDLL(os.path.abspath("lib.so"))
                time.sleep(0.5)
                os._exit(3)
    """)  # fmt: skip
    assert "lib.so" in second.records[0].touched["opened@inotify"]


def test_a_function_that_closes_every_descriptor(host: Host) -> None:
    host.add("data/asked.txt", "x")
    host.add("data/opened.txt", "x")
    host.add("app.py", dedent("""
        import os
        def handler(event, context):
            os.closerange(3, 2000)
            files = [os.open(__file__, os.O_RDONLY) for _ in range(20)]
            return [os.path.exists("data/asked.txt"), len(open("data/opened.txt").read()), len(files)]
    """))  # fmt: skip
    run = host.run([1, 2])
    assert run.answers == [[True, 1, 20]] * 2
    assert "data/asked.txt" in run.touched("looked")
    assert "data/opened.txt" in run.touched("opened")
    assert run.faults == {"inotify-closed"}
    assert run.records[-1].witnesses == ["shim", "maps", "audit"]


def test_more_opens_than_the_kernels_queue_holds_are_a_fault(host: Host) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    host.add("data/0", "x")
    host.add("data/1", "x")
    host.add("app.py", dedent("""
        import ctypes, sys
        libc = ctypes.PyDLL(None)  # keeps the interpreter's lock: no thread empties the queue meanwhile
        def handler(event, context):
            sys.setswitchinterval(600)
            for number in range(event):
                libc.close(libc.open(b"data/%d" % (number % 2), 0))
    """))  # fmt: skip
    run = host.run([limit + 100])
    assert run.faults == {"inotify-overflow"}
    assert {"data/0", "data/1"} <= run.touched("opened")


def test_two_runtimes_that_share_a_tmp_are_two_sandboxes(host: Host) -> None:
    host.add("data/asked.txt", "x")
    host.add("app.py", dedent("""
        import os
        def handler(event, context):
            return os.path.exists("data/asked.txt") if event == "look" else None
    """))  # fmt: skip
    host.journal.touch()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        other = pool.apply(hold_journal, [str(host.journal), "00112233aabbccdd"])
        run = host.run(["look"])
    assert run.answers == [True]
    assert "data/asked.txt" in run.touched("looked")
    assert other not in {record.sandbox for record in run.records}


def test_another_packages_journal_is_not_carried_on(host: Host) -> None:
    host.add("app.py", "def handler(event, context): pass")
    first = host.run()
    second = host.run(environment={"LDEPLOY_PACKAGE": "ffffffffffffffff"})
    assert first.records[0].sandbox != second.records[0].sandbox
    assert "app.py" in second.touched("opened")


def test_a_forked_child_writes_no_record(host: Host) -> None:
    host.add("app.py", dedent("""
        import atexit, os, sys
        def handler(event, context):
            if not os.fork():
                os.path.exists("app.py")
                sys.exit(0)
            os.wait()
    """))  # fmt: skip
    run = host.run()
    assert [record.phase for record in run.records] == ["start", "invoke"]


def test_a_thread_that_goes_on_after_the_answer_is_seen_with_the_next_invocation(host: Host) -> None:
    host.add("data/late.txt", "x")
    host.add("app.py", dedent("""
        import os, threading, time
        def late():
            time.sleep(0.1)
            os.path.exists("data/late.txt")
        def handler(event, context):
            if event:
                threading.Thread(target=late).start()
            else:
                time.sleep(0.3)
    """))  # fmt: skip
    run = host.run([1, 0])
    assert "data/late.txt" in run.touched("looked")


def test_a_full_disk_kills_no_function(host: Host) -> None:
    """Without room for the journal the shim stands aside: a write to its mapping would be SIGBUS."""
    host.add("app.py", "def handler(event, context): return event")
    run = host.run([5], environment={"LDEPLOY_JOURNAL": "/dev/full"})
    assert run.answers == [5]
    assert "journal-missing" in run.faults
    assert "app.py" in run.touched("opened")


def test_a_static_program_of_the_package_is_a_fault(host: Host) -> None:
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    host.add("bin/static", bytes(header), 0o755)
    host.add("app.py", dedent("""
        import subprocess
        def handler(event, context):
            try:
                subprocess.run(["bin/static"])
            except OSError:
                pass
    """))  # fmt: skip
    assert host.run().faults == {"shim-static"}


def test_the_journal_of_a_sandbox_is_small(host: Host) -> None:
    host.add("app.py", "def handler(event, context): pass")
    host.run()
    assert host.journal.stat().st_size == 8 << 20
