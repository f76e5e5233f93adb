"""Whatever way a function touches a file of its package, the record has it; strace is the judge."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host, Run, strace, witnessed

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is installed")
pytestmark = needs_strace


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def judged(host: Host, body: str, events: int = 1) -> Run:
    """Runs a function, and checks that everything that strace saw is in the records, and nothing that is not there."""
    host.add("app.py", dedent(body))
    traces = host.tmp.parent / "traces"
    run = host.run([{}] * events, prefix=strace(traces))
    assert [answer for answer in run.answers if isinstance(answer, dict) and "errorType" in answer] == []
    seen = witnessed(traces, host.task)
    assert seen
    assert seen - run.touched() == set()
    assert not run.faults
    return run


def test_imports_and_data_files(host: Host) -> None:
    host.add("package/__init__.py")
    host.add("package/inner/module.py", "VALUE = 1")
    host.add("package/data.txt", "x")
    host.add("package/unused.txt", "x")
    run = judged(host, """
        import os
        from package.inner import module
        def handler(event, context):
            return open(os.path.join(os.path.dirname(module.__file__), "..", "data.txt")).read()
    """)  # fmt: skip
    assert {"app.py", "package/__init__.py", "package/inner/module.py", "package/data.txt"} <= run.touched("opened")
    assert "package/unused.txt" not in run.touched()


def test_a_file_that_is_only_asked_about(host: Host) -> None:
    for name in ("stat", "lstat", "access", "scandir/x", "follow", "relative"):
        host.add(f"data/{name}", "x")
    run = judged(host, """
        import os
        def handler(event, context):
            os.stat("data/stat"), os.lstat("data/lstat"), os.access("data/access", os.R_OK)
            [entry.stat() for entry in os.scandir("data/scandir")]
            descriptor = os.open("data", os.O_RDONLY)
            os.stat("follow", dir_fd=descriptor)
            os.chdir("data")
            os.path.exists("./relative")
            os.chdir("..")
    """)  # fmt: skip
    names = {f"data/{name}" for name in ("stat", "lstat", "access", "scandir/x", "follow", "relative")}
    assert names <= run.touched("looked")
    assert not names & run.touched("opened")


def test_a_folder_that_is_listed(host: Host) -> None:
    host.add("plugins/one.txt")
    run = judged(host, """
        import os
        def handler(event, context):
            return os.listdir("plugins")
    """)  # fmt: skip
    assert "plugins" in run.touched("listed")


def test_symlinks_and_what_they_point_to(host: Host) -> None:
    host.add("lib/real.txt", "x")
    (host.task / "lib/link.txt").symlink_to("real.txt")
    (host.task / "way").symlink_to("lib")
    run = judged(host, """
        import os
        def handler(event, context):
            return [open("lib/link.txt").read(), os.readlink("way"), os.path.realpath("way/link.txt")[-8:]]
    """)  # fmt: skip
    assert {"lib/link.txt", "lib/real.txt"} <= run.touched("opened")
    assert "way" in run.touched("looked")


def test_names_that_are_not_utf8(host: Host) -> None:
    name = os.fsdecode(b"caf\xe9 \xe2\x82\xac\n.txt")
    (host.task / name).write_text("x")
    run = judged(host, """
        import os
        def handler(event, context):
            return [len(open(name).read()) for name in os.listdir(b".") if name.endswith(b".txt")]
    """)  # fmt: skip
    assert name in run.touched("opened")


def test_programs_and_what_they_touch(host: Host) -> None:
    host.add("bin/tool", "#!/bin/sh\ncat data/input.txt\n[ -e data/asked.txt ]\n", 0o755)
    host.add("data/input.txt", "x")
    host.add("data/asked.txt", "x")
    host.add("child.py", "import os; os.stat('data/child.txt')")
    host.add("data/child.txt", "x")
    run = judged(host, """
        import os, subprocess, sys
        def handler(event, context):
            subprocess.run([os.path.abspath("bin/tool")], env={}, check=True)
            subprocess.run([sys.executable, "child.py"], env={**os.environ}, check=True)
    """)  # fmt: skip
    assert "bin/tool" in run.touched("executed")
    assert {"data/input.txt", "child.py"} <= run.touched("opened")
    assert {"data/asked.txt", "data/child.txt"} <= run.touched("looked")


def test_every_way_of_starting_a_program(host: Host) -> None:
    for number in range(6):
        host.add(f"bin/tool{number}", "#!/bin/sh\ntrue\n", 0o755)
    run = judged(host, """
        import os
        def child(start):
            pid = os.fork()
            if not pid:
                start()
            assert os.waitpid(pid, 0)[1] == 0
        def handler(event, context):
            child(lambda: os.execv("bin/tool0", ["tool"]))
            child(lambda: os.execve(os.path.abspath("bin/tool1"), ["tool"], {}))
            child(lambda: os.execvpe("tool2", ["tool"], {"PATH": "/bin:bin"}))
            os.waitpid(os.posix_spawn("bin/tool3", ["tool"], {}), 0)
            os.environ["PATH"] += ":" + os.path.abspath("bin")
            os.waitpid(os.posix_spawnp("tool4", ["tool"], os.environ), 0)
            assert os.system("tool5") == 0
    """)  # fmt: skip
    assert {f"bin/tool{number}" for number in range(6)} <= run.touched("executed") | run.touched("opened")
    assert {f"bin/tool{number}" for number in range(5)} <= run.touched("executed")


def test_forks_threads_and_pools(host: Host) -> None:
    for name in ("fork", "thread", "pool0", "pool1"):
        host.add(f"data/{name}", "x")
    run = judged(host, """
        import multiprocessing, os, threading
        def look(name):
            return os.path.exists("data/" + name)
        def handler(event, context):
            pid = os.fork()
            if not pid:
                look("fork")
                os._exit(0)
            os.waitpid(pid, 0)
            thread = threading.Thread(target=look, args=("thread",))
            thread.start(), thread.join()
            workers = [multiprocessing.get_context("fork").Process(target=look, args=(f"pool{n}",)) for n in (0, 1)]
            [worker.start() for worker in workers], [worker.join() for worker in workers]
    """)  # fmt: skip
    assert {"data/fork", "data/thread", "data/pool0", "data/pool1"} <= run.touched("looked")
    assert len({record.sandbox for record in run.records}) == 1


@needs_compiler
def test_libraries_behind_libraries(host: Host) -> None:
    source = host.tmp / "x.c"
    source.write_text("int value(void) { return 7; }")
    (host.task / "lib").mkdir()
    subprocess.run(["cc", "-shared", "-o", host.task / "lib/libbehind.so", source], check=True)
    source.write_text("int value(void); int ask(void) { return value(); }")
    link = [f"-L{host.task}/lib", "-lbehind", "-Wl,-rpath,$ORIGIN"]
    subprocess.run(["cc", "-shared", "-o", host.task / "lib/libfront.so", source, *link], check=True)
    run = judged(host, """
        import ctypes
        def handler(event, context):
            return ctypes.CDLL("lib/libfront.so").ask()
    """)  # fmt: skip
    assert run.answers == [7]
    assert {"lib/libfront.so", "lib/libbehind.so"} <= run.touched("opened")


def test_a_module_inside_a_zip(host: Host) -> None:
    with zipfile.ZipFile(host.task / "library.egg", "w") as archive:
        archive.writestr("inside.py", "VALUE = 3")
    run = judged(host, """
        import sys
        sys.path.insert(0, "library.egg")
        def handler(event, context):
            import inside
            return inside.VALUE
    """)  # fmt: skip
    assert "library.egg" in run.touched("opened")


def test_files_of_a_layer_by_their_place_in_lambda(host: Host) -> None:
    (host.opt / "python").mkdir()
    (host.opt / "python" / "shared.py").write_text("VALUE = 5")
    run = judged(host, """
        import os, sys
        sys.path.append(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "../opt/python"))
        import shared
        def handler(event, context):
            return shared.VALUE
    """)  # fmt: skip
    assert "/opt/python/shared.py" in run.touched("opened")
    assert not [path for path in run.touched() if path.startswith("/opt/ldeploy")]


def test_each_path_once_with_the_request_that_touched_it(host: Host) -> None:
    host.add("first.txt", "x")
    host.add("second.txt", "x")
    host.add("app.py", dedent("""
        def handler(event, context):
            return open(event).read()
    """))  # fmt: skip
    run = host.run(["first.txt", "second.txt", "second.txt"])
    assert [(record.phase, record.request, record.invocations) for record in run.records] == [
        ("start", None, 0),
        ("invoke", "request-0", 1),
        ("invoke", "request-1", 1),
        ("invoke", "request-2", 1),
    ]
    assert [record.touched.get("opened") for record in run.records[1:]] == [["first.txt"], ["second.txt"], None]
    assert [record.line for record in run.records] == [0, 1, 2, 3]
    assert {record.package for record in run.records} == {"00112233aabbccdd"}
    assert {tuple(record.witnesses) for record in run.records} == {("inotify", "shim")}
