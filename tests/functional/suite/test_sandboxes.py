"""Whatever happens to a sandbox: all that was touched up to then is in the log once it has been started again."""

import pytest

from tests.functional.suite.judge import Embedded, judge
from tests.images import TWIN

BEFORE_THE_END = """
    import ctypes, os, signal, subprocess, sys, threading, time
    def touch():
        open("data/opened.txt").close(), os.path.exists("data/asked.txt"), os.listdir("data/listed")
        ctypes.CDLL("native/libfront.so")
        subprocess.run(["bin/tool"], check=True)
"""
TOUCHED = {
    "data/opened.txt", "data/asked.txt", "data/listed", "native/libfront.so", "native/libbehind.so", "bin/tool",
}  # fmt: skip


@pytest.fixture
def place(embedded: Embedded) -> Embedded:
    """A package with something to touch in every way."""
    for name in ("opened.txt", "asked.txt", "listed/one.txt", "after.txt"):
        embedded.add(f"data/{name}")
    shared = ("-shared", "-fPIC")
    embedded.compile("native/libbehind.so", "int value(void) { return 7; }", *shared)
    front = "int value(void); int ask(void) { return value(); }"
    embedded.compile("native/libfront.so", front, *shared, "-lbehind", "-Wl,-rpath,$ORIGIN")
    embedded.add("bin/tool", "#!/bin/sh\ntrue\n", 0o755)
    return embedded


ENDS = {
    "time-out": "time.sleep(60)",
    "killed, as when memory is out": "os.kill(os.getpid(), signal.SIGKILL)",
    "killed by a child": "subprocess.run(['kill', '-9', str(os.getpid())]), time.sleep(9)",
    "os._exit": "os._exit(3)",
    "sys.exit": "sys.exit(3)",
    "abort": "os.abort()",
    "crash": "ctypes.string_at(0)",
    "exception": "raise ValueError('as asked')",
}


@pytest.mark.parametrize("end", ENDS)
def test_what_was_touched_before_the_end_is_in_the_log(place: Embedded, end: str) -> None:
    body = f"""{BEFORE_THE_END}
    def handler(event, context):
        if event == "end":
            touch()
            {ENDS[end]}
        return open("data/after.txt").read()
    """
    seen = judge(place.run(body, ["live", "end", "live"], Timeout=40 if TWIN else 3))
    assert [seen.answers[0], seen.answers[2]] == ["x", "x"]
    assert "errorType" in seen.answers[1]
    assert seen.touched() >= TOUCHED
    assert seen.evidence.lines.lost == 0


def test_a_child_that_is_killed_for_its_memory(place: Embedded) -> None:
    seen = judge(place.run(f"""{BEFORE_THE_END}
    def handler(event, context):
        pid = os.fork()
        if not pid:
            touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return os.waitpid(pid, 0)[1]
    """))  # fmt: skip
    assert seen.answers == [9]
    assert seen.touched() >= TOUCHED


@pytest.mark.parametrize("end", ["raise ValueError('as asked')", "import not_there", "os._exit(3)", "sys.exit(1)"])
def test_what_was_touched_before_start_up_failed_is_in_the_log(place: Embedded, end: str) -> None:
    seen = judge(place.run(f"""{BEFORE_THE_END}
    touch()
    if not os.path.exists("/tmp/second"):
        open("/tmp/second", "w").close()
        {end}
    def handler(event, context):
        return open("data/after.txt").read()
    """, [1, 2]))  # fmt: skip
    assert seen.answers[-1] == "x"
    assert seen.touched() >= TOUCHED


def test_start_up_that_takes_too_long_is_run_again(place: Embedded) -> None:
    seen = judge(place.run(f"""{BEFORE_THE_END}
    if not os.path.exists("/tmp/second"):
        open("/tmp/second", "w").close()
        touch()
        time.sleep(60)
    def handler(event, context):
        return open("data/after.txt").read()
    """))  # fmt: skip
    assert seen.answers == ["x"]
    assert seen.touched() >= TOUCHED
    assert seen.evidence.sandboxes == 1


def test_a_sandbox_that_is_frozen_between_invocations(place: Embedded) -> None:
    seen = judge(place.run(f"""{BEFORE_THE_END}
    def late():
        time.sleep(0.3)
        touch()
    def handler(event, context):
        if event == "begin":
            threading.Thread(target=late).start()
        else:
            time.sleep(1)
    """, ["begin", "end"]))  # fmt: skip
    assert seen.answers == [None, None]
    assert seen.touched() >= TOUCHED


def test_a_sandbox_that_dies_unseen(place: Embedded) -> None:
    """Behind an answer that was given, with nobody there to be told."""
    seen = judge(place.run(f"""{BEFORE_THE_END}
    def late():
        time.sleep(0.3)
        touch()
        os.kill(os.getpid(), signal.SIGKILL)
    def handler(event, context):
        if event == "begin":
            threading.Thread(target=late).start()
        elif event == "wait":
            time.sleep(2)
    """, ["begin", "wait", "live"]))  # fmt: skip
    assert seen.answers[0] is None
    assert seen.answers[2] is None
    assert seen.touched() >= TOUCHED


def test_a_log_in_json_that_drops_all_below_error(place: Embedded) -> None:
    json_log = {"LogFormat": "JSON", "ApplicationLogLevel": "ERROR", "SystemLogLevel": "WARN"}
    seen = judge(place.run(f"""{BEFORE_THE_END}
    def handler(event, context):
        touch()
    """, LoggingConfig=json_log))  # fmt: skip
    assert seen.touched() >= TOUCHED
    assert (seen.evidence.sandboxes, seen.evidence.invocations) == (1, 1)
