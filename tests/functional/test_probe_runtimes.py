"""The layer works in every Python that Lambda has, in every mode of the runtime client that it can meet."""

import ast
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host

LAYER = Path(__file__).parents[2] / "probe_layer"
MINORS = range(9, 15)

CLIENT = """
    import http.client, json, os, sys

    class Request:
        def __init__(self, invoke_id, event_body):
            self.invoke_id, self.event_body = invoke_id, event_body

    class LambdaRuntimeClient:
        def __init__(self, address):
            self.address = address

        def call(self, method, path, body=None):
            connection = http.client.HTTPConnection(self.address)
            connection.request(method, "/2018-06-01/runtime/" + path, body)
            return connection.getresponse()

        def restore_next(self):
            os.stat(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "data/restored.txt"))

        def wait_next_invocation(self):
            response = self.call("GET", "invocation/next")
            return Request(response.headers["Lambda-Runtime-Aws-Request-Id"], response.read())

        def post_invocation_result(self, invoke_id, answer):
            self.call("POST", "invocation/%s/response" % invoke_id, json.dumps(answer))

    def main(arguments):
        import app
        client = LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            client.restore_next()
        for _ in range(int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "0"))):
            if os.fork():
                os.wait()
                return
        while True:
            request = client.wait_next_invocation()
            client.post_invocation_result(request.invoke_id, app.handler(json.loads(request.event_body), None))
"""


SERVED = """
        import multiprocessing
        worker = multiprocessing.get_context("forkserver").Process(target=serve, args=(client, app.handler))
        worker.start(), worker.join()

    def serve(client, handler):
        while True:
            request = client.wait_next_invocation()
            client.post_invocation_result(request.invoke_id, handler(json.loads(request.event_body), None))
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """With a runtime client of the function's own, in plain Python: for interpreters that AWS's is not built for."""
    host = Host(tmp_path)
    host.add("awslambdaric/__init__.py")
    host.add("awslambdaric/lambda_runtime_client.py", dedent(CLIENT))
    host.add("awslambdaric/__main__.py", "from .lambda_runtime_client import main")
    host.add("data/asked.txt", "x")
    host.add("data/restored.txt", "x")
    host.add("app.py", dedent("""
        import os, sys
        def handler(event, context):
            os.path.exists("data/asked.txt")
            return [sys.version_info[1], sys.argv, sys.path[1], sys.modules["__main__"].__file__]
    """))  # fmt: skip
    return host


def interpreter(minor: int) -> str:
    python = shutil.which(f"python3.{minor}")
    if python is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"python3.{minor} is not installed")
    return python


@pytest.mark.parametrize("file", sorted(LAYER.glob("*.py")), ids=lambda file: file.name)
def test_the_layer_is_written_in_what_python_39_has(file: Path) -> None:
    ast.parse(file.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("minor", MINORS)
def test_every_interpreter_records_the_same(host: Host, minor: int) -> None:
    run = host.run([1, 2], python=interpreter(minor))
    assert run.answers == [[minor, [str(host.bootstrap)], str(host.bootstrap.parent), str(host.bootstrap)]] * 2
    assert not run.errors
    assert not run.faults
    assert "data/asked.txt" in run.touched("looked")
    assert [(record.phase, record.invocations) for record in run.records] == [
        ("start", 0),
        ("invoke", 1),
        ("invoke", 1),
    ]


@pytest.mark.parametrize("minor", MINORS)
def test_a_function_that_forks_is_not_warned_of_threads_that_are_not_its_own(host: Host, minor: int) -> None:
    """CPython from 3.12 counts the threads of a process that forks."""
    host.add("app.py", dedent("""
        import os, warnings
        def handler(event, context):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", DeprecationWarning)
                for _ in range(3):
                    if not os.fork():
                        os._exit(0)
                    os.wait()
            os.path.exists("data/asked.txt")
            return [str(warning.message) for warning in caught]
    """))  # fmt: skip
    run = host.run([1, 2], python=interpreter(minor))
    assert run.answers == [[], []]
    assert "data/asked.txt" in run.touched("looked")


def test_a_runtime_client_of_another_name_is_a_fault_and_loses_nothing(host: Host) -> None:
    (host.task / "awslambdaric/lambda_runtime_client.py").rename(host.task / "awslambdaric/other_client.py")
    host.add("awslambdaric/__main__.py", "from .other_client import main")
    host.add("app.py", dedent("""
        import os, sys
        def handler(event, context):
            os.path.exists("data/asked.txt")
            if event:
                sys.exit(event)
    """))  # fmt: skip
    run = host.run([0, 1])
    assert run.faults == {"runtime-unknown"}
    assert "data/asked.txt" in run.touched("looked")


def test_sandboxes_restored_from_one_snapshot_log_everything_under_their_own_names(host: Host) -> None:
    run = host.run(environment={"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})
    before, after, *_ = run.records
    assert before.sandbox != after.sandbox
    assert after.line == 0
    assert {"app.py", "data/restored.txt"} <= {path for paths in after.touched.values() for path in paths}


def test_sandboxes_restored_from_one_snapshot_draw_their_own_lots(host: Host) -> None:
    """Before the snapshot there is one sandbox, which reports; what is restored from it has a lot of its own."""
    settings = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    few = host.run(environment={**settings, "LDEPLOY_SAMPLE": "0.000000001"})
    assert [record.phase for record in few.records] == ["start"]
    host.journal.unlink()
    most = host.run(environment={**settings, "LDEPLOY_SAMPLE": "0.999999999"})
    assert len({record.sandbox for record in most.records}) == 2


WORK = """
    import os, time
    def handler(event, context):
        os.path.exists("data/asked.txt")
        time.sleep(event)
"""


def test_workers_that_the_runtime_forks_are_counted_by_the_parent(host: Host) -> None:
    """Several invocations at once in one sandbox (AWS_LAMBDA_MAX_CONCURRENCY): one process reports for all."""
    host.add("app.py", dedent(WORK))
    run = host.run([0, 3], environment={"AWS_LAMBDA_MAX_CONCURRENCY": "1"})
    assert run.answers == [None, None]
    assert not run.faults
    assert "data/asked.txt" in run.touched("looked")
    assert len({record.sandbox for record in run.records}) == 1
    assert [record.line for record in run.records] == list(range(len(run.records)))
    assert ("invoke", 1) in {(record.phase, record.invocations) for record in run.records}


def test_workers_that_come_another_way_are_not_counted_and_that_is_said(host: Host) -> None:
    """From a fork server, as multiprocessing starts them from Python 3.14: each is a process of its own."""
    client = host.task / "awslambdaric/lambda_runtime_client.py"
    begins, _, _ = client.read_text().partition("    for _ in range")
    client.write_text(begins + SERVED.replace("\n    ", "\n"))
    host.add("app.py", dedent(WORK))
    run = host.run([0, 3], environment={"AWS_LAMBDA_MAX_CONCURRENCY": "1"})
    assert run.answers == [None, None]
    assert run.faults == {"runtime-unknown"}
    assert "data/asked.txt" in run.touched("looked")
