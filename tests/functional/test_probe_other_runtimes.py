"""Where something other than Python's runtime answers: the shims report by a process of their own."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host

RUN = """#!/bin/sh
cd "$LAMBDA_TASK_ROOT"
exec {python} main.py
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.add("main.py", "import os, pages, time\nos.stat('data/looked.txt')\ntime.sleep(float(os.environ['LASTS']))\n")
    host.add("pages.py", "")
    host.add("unused.py", "")
    host.add("data/looked.txt", "x")
    host.add("run.sh", RUN.format(python=sys.executable), 0o755)
    return host


def wrap(host: Host, command: str) -> dict[str, str]:
    """A wrapper of the function's own that runs the command."""
    wrapper = host.opt / "bootstrap"
    wrapper.write_text(f"#!/bin/sh\n{command}\n")
    wrapper.chmod(0o755)
    return {"LDEPLOY_WRAPPER": str(wrapper), "AWS_LAMBDA_EXEC_WRAPPER": str(host.wrapper)}


SCRIPT = 'exec "$LAMBDA_TASK_ROOT/run.sh"'
SERVER = f"""
{sys.executable} -c 'import os, runpy
if not os.fork(): os.execl(\"{sys.executable}\", \"python\", \"main.py\")
os.wait()' &
wait
"""
"""As gunicorn: a process that only waits for its workers, in the background of a shell."""


@pytest.mark.parametrize(
    ("handler", "lasts", "command"),
    [
        ("run.sh", "1", SCRIPT),
        ("idle.sh", "1", SCRIPT),
        ("main.handler", "4", SCRIPT),
        ("run.sh", "1", f"exec {sys.executable} main.py"),
        ("run.sh", "1", SERVER),
    ],
    ids=["script", "idle module beside it", "module", "program of the wrapper's own", "workers"],
)
def test_a_script_that_the_wrapper_runs(host: Host, handler: str, lasts: str, command: str) -> None:
    """At once where the handler is the script; after a while where a runtime might still begin."""
    host.add("idle.py", "")
    host.add("idle.sh", "", 0o755)
    settings = wrap(host, command)
    run = host.run([], environment={**settings, "_HANDLER": handler, "LASTS": lasts})
    assert run.faults == {"runtime-unknown"}
    assert {"main.py", "pages.py"} <= run.touched("opened")
    assert "data/looked.txt" in run.touched("looked")
    assert "/opt/bootstrap" in run.touched("executed")
    assert "unused.py" not in run.touched()
    assert run.touched("browsed") == set()
    assert len({record.sandbox for record in run.records}) == 1


def test_a_runtime_that_begins_reports_itself(host: Host) -> None:
    host.add("app.py", dedent("""
        import time
        def handler(event, context):
            time.sleep(3)
            return event
    """))  # fmt: skip
    run = host.run([5], environment=wrap(host, 'exec "$@"'))
    assert run.answers == [5]
    assert not run.faults
    assert [(record.phase, record.invocations) for record in run.records] == [("start", 0), ("invoke", 1)]
