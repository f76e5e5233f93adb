"""The function answers as it would without the probe, and finds itself where it would be without it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe_layer.record import MARK
from tests.functional.probe_host import Host

LOOKING_AROUND = """
    import os, subprocess, sys, threading, warnings
    import __main__
    def forked():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
        return [str(warning.message) for warning in caught]
    def handler(event, context):
        return {
            "environ": dict(os.environ),
            "path": sys.path, "argv": sys.argv, "orig_argv": sys.orig_argv,
            "meta_path": [str(finder) for finder in sys.meta_path],
            "main": {name: str(value) for name, value in vars(__main__).items()},
            "cwd": os.getcwd(), "threads": threading.active_count(), "flags": str(sys.flags),
            "bytecode": sys.dont_write_bytecode, "caches": [p for p in sys.path_importer_cache if "ldeploy" in p],
            "forked": forked(), "children": subprocess.run(["true"], env={}).returncode,
        }
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def without_addresses(text: str) -> str:
    return re.sub("0x[0-9a-f]+|127.0.0.1:[0-9]+", "", text)


def test_what_a_function_sees_of_itself_is_the_same(host: Host) -> None:
    host.add("app.py", dedent(LOOKING_AROUND))
    bare, probed = host.run(probe=False), host.run()
    for name, value in bare.answers[0].items():
        assert without_addresses(json.dumps(probed.answers[0][name], sort_keys=True)) == without_addresses(
            json.dumps(value, sort_keys=True)
        ), name
    assert probed.records


def test_a_preload_of_the_functions_own_stays(host: Host) -> None:
    host.add("app.py", "import os, subprocess\ndef handler(e, c): return [os.environ['LD_PRELOAD']]")
    own = str(shutil.copy(host.opt / "ldeploy/shim/x86_64.so", host.task / "own.so"))
    run = host.run(environment={"LD_PRELOAD": own})
    assert run.answers == [[own]]
    assert not run.errors


def test_an_error_in_the_handler_is_the_same_error(host: Host) -> None:
    host.add("app.py", "def handler(event, context):\n    return {}[event]")
    bare, probed = host.run(["x"], probe=False), host.run(["x"])
    assert probed.answers == bare.answers
    assert probed.answers[0]["errorType"] == "KeyError"


def test_an_exception_at_import_is_the_same_and_what_was_touched_is_in_the_log(host: Host) -> None:
    host.add("helper.py")
    host.add("app.py", "import helper\nimport missing_module")
    bare, probed = host.run(probe=False), host.run()
    assert probed.answers == bare.answers
    assert probed.answers[0]["errorType"] == "Runtime.ImportModuleError"
    assert {"app.py", "helper.py"} <= probed.touched("opened")


def test_modules_of_the_function_may_have_the_names_of_ours(host: Host) -> None:
    for name in ("record", "watch", "launch", "probe", "journal", "runtime", "output"):
        host.add(f"{name}.py", f"NAME = '{name} of the function'")
    host.add("app.py", dedent("""
        import record, watch, launch, probe, journal, runtime, output
        def handler(event, context):
            return [m.NAME for m in (record, watch, launch, probe, journal, runtime, output)]
    """))  # fmt: skip
    run = host.run()
    assert all(name.endswith("of the function") for name in run.answers[0])


def test_the_functions_own_wrapper_is_called(host: Host) -> None:
    wrapper = host.opt / "own-wrapper"
    wrapper.write_text('#!/bin/sh\nexport FROM_WRAPPER="$AWS_LAMBDA_EXEC_WRAPPER"\nexec "$@"\n')
    wrapper.chmod(0o755)
    host.add("app.py", dedent("""
        import os
        def handler(event, context):
            return [os.environ.get(n) for n in ("FROM_WRAPPER", "AWS_LAMBDA_EXEC_WRAPPER", "LDEPLOY_WRAPPER")]
    """))  # fmt: skip
    run = host.run(environment={"LDEPLOY_WRAPPER": str(wrapper), "AWS_LAMBDA_EXEC_WRAPPER": str(host.wrapper)})
    assert run.answers == [[str(wrapper), str(wrapper), None]]
    assert "/opt/own-wrapper" in run.touched("executed")


@pytest.mark.parametrize("before", ['"$1" -O', '"$1"'], ids=["options twice", "options once"])
def test_options_that_the_functions_own_wrapper_puts_before_the_script(host: Host, before: str) -> None:
    """As AWS's own example of a wrapper does: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html."""
    wrapper = host.opt / "own-wrapper"
    script = f'exec {before} "${{@:2:$#-2}}" -X utf8 -W ignore::ImportWarning "${{@: -1}}"'
    wrapper.write_text(f"#!/bin/bash\nunset AWS_LAMBDA_EXEC_WRAPPER\n{script}\n")
    wrapper.chmod(0o755)
    host.add("app.py", dedent(LOOKING_AROUND))
    bare = host.run(probe=False, prefix=[str(wrapper)])
    run = host.run(environment={"LDEPLOY_WRAPPER": str(wrapper), "AWS_LAMBDA_EXEC_WRAPPER": str(host.wrapper)})
    for name, value in bare.answers[0].items():
        assert without_addresses(json.dumps(run.answers[0][name], sort_keys=True)) == without_addresses(
            json.dumps(value, sort_keys=True)
        ), name
    assert "app.py" in run.touched("opened")
    assert not run.faults


def test_a_function_may_replace_its_standard_output(host: Host) -> None:
    host.add("app.py", dedent("""
        import io, sys
        sys.stdout = io.StringIO()
        def handler(event, context):
            sys.__stdout__.write("half a line")
            sys.__stdout__.flush()
    """))  # fmt: skip
    run = host.run([1, 2])
    assert [record.phase for record in run.records] == ["start", "invoke", "invoke"]


def test_no_record_goes_into_a_file_that_took_the_place_of_standard_output(host: Host) -> None:
    host.add("app.py", dedent("""
        import os, sys
        def handler(event, context):
            os.dup2(os.open(event, os.O_RDWR | os.O_CREAT), 1)
            return os.path.exists("app.py")
    """))  # fmt: skip
    mine = host.tmp / "mine"
    run = host.run([str(mine), str(mine)])
    assert run.answers == [True, True]
    assert mine.read_bytes() == b""
    assert MARK in run.errors


@pytest.mark.parametrize("broken", ["shim", "probe_layer", "probe_layer/watch.py", "journal"])
def test_a_broken_layer_breaks_no_function(host: Host, broken: str) -> None:
    host.add("app.py", "def handler(event, context): return event")
    place = host.journal if broken == "journal" else host.opt / "ldeploy" / broken
    if broken == "journal":
        place.mkdir()
    elif place.is_dir():
        shutil.rmtree(place)
    else:
        place.write_text("syntax error")
        shutil.rmtree(place.parent / "__pycache__")
    run = host.run([7])
    assert run.answers == [7]
    assert run.faults == {"shim": {"shim-missing"}, "journal": {"journal-missing", "shim-missing"}}.get(broken, set())


def test_a_shim_that_cannot_be_loaded_is_a_fault(host: Host) -> None:
    (host.opt / "ldeploy/shim/x86_64.so").write_bytes(b"no library")
    host.add("app.py", "def handler(event, context): return event")
    run = host.run([7])
    assert run.answers == [7]
    assert run.faults == {"shim-missing"}
    assert {tuple(record.witnesses) for record in run.records} == {("inotify", "maps")}
    assert "app.py" in run.touched("opened")


def test_what_is_no_python_runtime_runs_as_it_is(host: Host) -> None:
    command = [str(host.wrapper), "/bin/echo", "a b", "", "*"]
    ran = subprocess.run(command, env={"LDEPLOY_JOURNAL": str(host.journal)}, capture_output=True, check=True)
    assert ran.stdout == b"a b  *\n"


@settings(max_examples=25, deadline=None)
@given(arguments=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)))
def test_the_wrapper_hands_on_every_argument(tmp_path_factory: pytest.TempPathFactory, arguments: list[str]) -> None:
    code = "import sys; sys.stdout.write(repr(sys.argv[1:]))"
    wrapper = Path(__file__).parents[2] / "probe_layer" / "wrapper"
    journal = tmp_path_factory.mktemp("journal") / "journal"
    plain = [argument for argument in arguments if not argument.endswith(".py")]
    ran = subprocess.run(
        [wrapper, sys.executable, "-c", code, *plain],
        env={"LDEPLOY_JOURNAL": str(journal), "PATH": os.environ["PATH"], "PYTHONUTF8": "1"},
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode() == repr(plain)
