"""What only some interpreters have: other ways of starting workers and importing, and others that watch them too."""

import pytest

from tests.functional.local_aws import RUNTIME
from tests.functional.suite.judge import Embedded, errors, judge
from tests.images import CHOSEN

MINOR = int(RUNTIME.partition(".")[2])


def since(minor: int) -> pytest.MarkDecorator:
    return pytest.mark.skipif(minor > MINOR, reason=f"python3.{minor} has it first, and this is {RUNTIME}")


@since(14)
def test_workers_of_the_fork_server_which_is_the_default(embedded: Embedded) -> None:
    embedded.add("work.py", "import os\ndef work():\n    os._exit(len(open('data/worker.txt').read()))\n")
    embedded.add("data/worker.txt")
    seen = judge(embedded.run("""
        import multiprocessing
        from work import work
        def handler(event, context):
            worker = multiprocessing.Process(target=work)
            worker.start(), worker.join()
            return [multiprocessing.get_start_method(), worker.exitcode]
    """))  # fmt: skip
    assert seen.answers == [["forkserver", 1]]
    assert {"work.py", "data/worker.txt"} <= seen.touched("opened")


@since(13)
def test_an_interpreter_within_the_interpreter(embedded: Embedded) -> None:
    embedded.add("inner.py", "import os\nTEXT = open('data/inner.txt').read(), os.path.exists('data/asked.txt')\n")
    embedded.add("data/inner.txt")
    embedded.add("data/asked.txt")
    seen = judge(embedded.run("""
        import _interpreters
        def handler(event, context):
            inner = _interpreters.create()
            failed = _interpreters.exec(inner, "import sys; sys.path.insert(0, '/var/task'); import inner")
            _interpreters.destroy(inner)
            return str(failed)
    """))  # fmt: skip
    assert seen.answers == ["None"]
    assert {"inner.py", "data/inner.txt"} <= seen.touched("opened")
    assert "data/asked.txt" in seen.touched("looked")


@since(12)
def test_a_profiler_by_sys_monitoring_and_an_audit_hook_beside_it(embedded: Embedded) -> None:
    embedded.add("late.py", "VALUE = open('data/late.txt').read()\n")
    embedded.add("data/late.txt")
    seen = judge(embedded.run("""
        import sys
        CALLS, OPENED = [], []
        events = sys.monitoring.events
        sys.monitoring.use_tool_id(sys.monitoring.PROFILER_ID, "own")
        sys.monitoring.register_callback(sys.monitoring.PROFILER_ID, events.PY_START, lambda code, at: CALLS.append(1))
        sys.monitoring.set_events(sys.monitoring.PROFILER_ID, events.PY_START)
        sys.addaudithook(lambda name, what: OPENED.append(str(what[0])) if name == "open" else None)
        def handler(event, context):
            import late
            return [bool(CALLS), "data/late.txt" in OPENED, late.VALUE, sys.monitoring.get_tool(2)]
    """))  # fmt: skip
    assert seen.answers == [[True, True, "x", "own"]]
    assert {"late.py", "data/late.txt"} <= seen.touched("opened")


@pytest.mark.parametrize("variables", [
    {"PYTHONPROFILEIMPORTTIME": "1"},
    pytest.param({"PYTHON_FROZEN_MODULES": "off"}, marks=since(13)),
])  # fmt: skip
def test_other_ways_of_importing(embedded: Embedded, variables: dict[str, str]) -> None:
    """As ``-X importtime`` and ``-X frozen_modules=off``, which a function can set as variables only."""
    embedded.add("pages/__init__.py", "")
    embedded.add("pages/one.py", "VALUE = 1\n")
    seen = judge(embedded.run("""
        def handler(event, context):
            import pages.one
            return pages.one.VALUE
    """, variables=variables))  # fmt: skip
    assert not errors(seen.answers)
    assert {"app.py", "pages/__init__.py", "pages/one.py"} <= seen.touched("opened")


def test_functions_that_this_c_library_may_not_have(embedded: Embedded) -> None:
    """``stat`` is a symbol from glibc 2.33 on only: before, the shim's own answers, and notes all the same."""
    embedded.add("data/asked.txt")
    seen = judge(embedded.run("""
        import ctypes
        def handler(event, context):
            everyone, own = ctypes.CDLL(None), ctypes.CDLL("libc.so.6")
            return [everyone.stat(b"data/asked.txt", ctypes.create_string_buffer(512)), hasattr(own, "stat")]
    """))  # fmt: skip
    assert seen.answers[0][0] == 0
    assert "data/asked.txt" in seen.touched("looked")
    if CHOSEN and RUNTIME == "python3.9":
        assert not seen.answers[0][1], "glibc 2.31 has it not, which is what this is about"
