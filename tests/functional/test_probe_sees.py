"""How the records of one sandbox tell what the witnesses saw, and who asked. What they see is judged in ``suite``."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


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
    assert {tuple(record.witnesses) for record in run.records} == {("inotify", "shim", "maps", "audit")}


def test_a_file_has_the_name_of_the_module_that_asked_for_it(host: Host) -> None:
    host.add("package/__init__.py", "from . import inner")
    host.add("package/inner.py", "def read(): return open('data.txt').read()")
    host.add("late.py", "")
    host.add("data.txt", "x")
    host.add("app.py", dedent("""
        import importlib, package
        def handler(event, context):
            importlib.import_module("late")
            return package.inner.read()
    """))  # fmt: skip
    start, invoke = host.run().records
    assert start.imported["app"] == ["package/__init__.py"]
    assert "package/inner.py" in start.imported["package"]
    assert invoke.imported == {"app": ["late.py"], "package.inner": ["data.txt"]}


def test_a_module_of_any_name_asks(host: Host) -> None:
    host.add("data.txt", "x")
    host.add("app.py", dedent("""
        def handler(event, context):
            globals()["__name__"] = event
            return open("data.txt").read()
    """))  # fmt: skip
    for name, told in (("x" * 1000, {"x" * 200: ["data.txt"]}), (None, None), ("\udce9\n", {"\udce9\n": ["data.txt"]})):
        run = host.run([name])
        assert run.answers == ["x"]
        assert told is None or run.records[-1].imported == told
        host.journal.unlink()


def test_hooks_of_the_functions_own_work_as_before(host: Host) -> None:
    host.add("data.txt", "x")
    host.add("app.py", dedent("""
        import sys
        heard = []
        sys.addaudithook(lambda event, arguments: heard.append(event) if event == "open" else None)
        def handler(event, context):
            open("data.txt").close()
            return len(heard)
    """))  # fmt: skip
    bare, probed = host.run(probe=False), host.run()
    assert bare.answers == probed.answers


def test_what_one_witness_alone_saw_says_so(host: Host) -> None:
    host.add("opened.txt", "x")
    host.add("app.py", "def handler(event, context): return open('opened.txt').read()")
    (host.opt / "ldeploy/shim/x86_64.so").write_bytes(b"no library")
    run = host.run()
    assert {key for record in run.records for key in record.touched} == {"opened@inotify"}
    assert run.faults == {"shim-missing"}


def test_an_open_that_failed_is_no_touch(host: Host) -> None:
    host.add("app.py", dedent("""
        import os
        def handler(event, context):
            try:
                open("made.txt")
            except FileNotFoundError:
                os.mknod("made.txt")
    """))  # fmt: skip
    run = host.run()
    assert run.answers == [None]
    assert run.touched() == {"app.py"}


def test_a_path_with_dots_in_it_has_its_asker_too(host: Host) -> None:
    host.add("data.txt", "x")
    host.add("deep/module.py", "import os\nVALUE = open(os.path.join(os.path.dirname(__file__), '../data.txt')).read()")
    host.add("app.py", "import deep.module\ndef handler(event, context): return deep.module.VALUE")
    assert host.run().records[0].imported["deep.module"] == ["data.txt"]
