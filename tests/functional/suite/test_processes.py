"""Threads, forks, and every way of starting a program."""

from tests.functional.suite.judge import Embedded, Folders, errors, judge

Place = Folders | Embedded
READER = """
    #include <stdio.h>
    #include <sys/stat.h>
    int main(void) {
        struct stat found;
        FILE *file = fopen("data/opened.txt", "r");
        return file ? stat("data/asked.txt", &found) : 1;
    }
"""


def test_a_script_and_a_python_child(place: Place) -> None:
    place.add("bin/tool", "#!/bin/sh\ncat data/input.txt\n[ -e data/asked.txt ]\n", 0o755)
    place.add("data/input.txt")
    place.add("data/asked.txt")
    place.add("child.py", "import os; os.stat('data/child.txt')")
    place.add("data/child.txt")
    seen = judge(place.run("""
        import os, subprocess, sys
        def handler(event, context):
            subprocess.run([os.path.abspath("bin/tool")], env={}, check=True)
            subprocess.run([sys.executable, "child.py"], env={**os.environ}, check=True)
    """))  # fmt: skip
    assert not errors(seen.answers)
    assert "bin/tool" in seen.touched("executed")
    assert {"data/input.txt", "child.py"} <= seen.touched("opened")
    assert {"data/asked.txt", "data/child.txt"} <= seen.touched("looked")


def test_a_bundled_program(place: Place) -> None:
    place.compile("bin/reader", READER)
    place.add("data/opened.txt")
    place.add("data/asked.txt")
    seen = judge(place.run("""
        import subprocess
        def handler(event, context):
            return subprocess.run(["bin/reader"]).returncode
    """))  # fmt: skip
    assert seen.answers == [0]
    assert "bin/reader" in seen.touched("executed")


def test_a_bundled_static_program(place: Place) -> None:
    """What it opens is seen; that it may have looked at more is said."""
    place.compile("bin/reader", READER.replace('stat("data/asked.txt", &found)', "0"), "-static")
    place.add("data/opened.txt")
    seen = judge(place.run("""
        import subprocess
        def handler(event, context):
            return subprocess.run(["bin/reader"]).returncode
    """), faults=["shim-static"])  # fmt: skip
    assert seen.answers == [0]
    assert "bin/reader" in seen.touched("executed")
    assert "data/opened.txt" in seen.touched("opened")


def test_every_way_of_starting_a_program(place: Place) -> None:
    for number in range(6):
        place.add(f"bin/tool{number}", "#!/bin/sh\ntrue\n", 0o755)
    seen = judge(place.run("""
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
    """))  # fmt: skip
    assert not errors(seen.answers)
    assert {f"bin/tool{number}" for number in range(6)} <= seen.touched("executed", "opened")
    assert {f"bin/tool{number}" for number in range(5)} <= seen.touched("executed")


def test_forks_threads_and_pools(place: Place) -> None:
    for name in ("fork", "thread", "pool0", "pool1", "executor"):
        place.add(f"data/{name}")
    seen = judge(place.run("""
        import multiprocessing, os, threading
        from concurrent.futures import ThreadPoolExecutor
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
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(look, ["executor"]))
            workers = [multiprocessing.get_context("fork").Process(target=look, args=(f"pool{n}",)) for n in (0, 1)]
            [worker.start() for worker in workers], [worker.join() for worker in workers]
    """))  # fmt: skip
    assert not errors(seen.answers)
    assert {"data/fork", "data/thread", "data/pool0", "data/pool1", "data/executor"} <= seen.touched("looked")


def test_spawned_workers_and_what_they_import(place: Place) -> None:
    place.add("work.py", "import os, only_here\ndef look(pipe):\n    pipe.send(os.path.exists('data/worker'))\n")
    place.add("only_here.py", "")
    place.add("data/worker")
    seen = judge(place.run("""
        import multiprocessing
        def handler(event, context):
            import work
            spawn = multiprocessing.get_context("spawn")
            ours, theirs = spawn.Pipe()
            worker = spawn.Process(target=work.look, args=(theirs,))
            worker.start()
            found = ours.recv()
            worker.join()
            return found
    """))  # fmt: skip
    assert seen.answers == [True]
    assert {"work.py", "only_here.py", "data/worker"} <= seen.touched()


def test_a_child_that_only_a_forked_process_starts(place: Place) -> None:
    place.compile("bin/reader", READER)
    place.add("data/opened.txt")
    place.add("data/asked.txt")
    seen = judge(place.run("""
        import os
        def handler(event, context):
            os.chdir("bin")
            pid = os.fork()
            if not pid:
                os.chdir("..")
                os.execl("./bin/reader", "reader")
            os.chdir("..")
            return os.waitpid(pid, 0)[1]
    """))  # fmt: skip
    assert seen.answers == [0]
    assert "bin/reader" in seen.touched("executed")
