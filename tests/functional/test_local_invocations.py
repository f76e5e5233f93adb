"""Invocations on the embedded AWS: what a function finds, and what becomes of its answers and its failures."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.functional.local_aws import RUNTIME, Cloud, cloud
from tests.zips import packed

ECHO = """
    import os, sys
    def handler(event, context):
        return {"event": event, "arn": context.invoked_function_arn, "pid": os.getpid()}
"""


@pytest.fixture(scope="module")
def here() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


def test_a_function_from_s3_answers(here: Cloud) -> None:
    here.storage.create_bucket(Bucket="packages")
    here.storage.put_object(Bucket="packages", Key="a/echo.zip", Body=packed({"app.py": ECHO}))
    here.create("from-s3", "", Code={"S3Bucket": "packages", "S3Key": "a/echo.zip"})
    result = here.invoke("from-s3", {"x": 1})
    assert result.value["event"] == {"x": 1}
    assert result.value["arn"].endswith(":function:from-s3")
    assert result.error is None


def test_a_warm_sandbox_is_used_again(here: Cloud) -> None:
    here.create("warm", "import uuid\nME = str(uuid.uuid4())\ndef handler(e, c): return ME")
    assert len({here.invoke("warm").value for _ in range(5)}) == 1


def test_invocations_at_once_have_a_sandbox_each(here: Cloud) -> None:
    here.create("many", "import time, uuid\nME = str(uuid.uuid4())\ndef handler(e, c): time.sleep(0.5); return ME")
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(here.invoke("many").value)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 3


def test_code_that_changed_is_never_served_by_an_old_sandbox(here: Cloud) -> None:
    here.create("changing", "def handler(e, c): return 'old'")
    assert here.invoke("changing").value == "old"
    here.functions.update_function_code(
        FunctionName="changing", ZipFile=packed({"app.py": "def handler(e, c): return 'new'"})
    )
    here.settle("changing")
    assert here.invoke("changing").value == "new"


def test_tmp_is_the_sandboxs_own_and_kept_while_it_is_warm(here: Cloud) -> None:
    here.create(
        "tmp",
        """
        import os
        def handler(event, context):
            found = os.listdir("/tmp")
            open(f"/tmp/{len(found)}", "w").close()
            return found
        """,
    )
    assert [here.invoke("tmp").value for _ in range(2)] == [[], ["0"]]


def test_tmp_survives_a_runtime_that_died(here: Cloud) -> None:
    here.create(
        "died",
        """
        import os
        def handler(event, context):
            if os.path.exists("/tmp/here"):
                return "again"
            open("/tmp/here", "w").close()
            os._exit(1)
        """,
    )
    assert here.invoke("died").error == "Unhandled"
    assert here.invoke("died").value == "again"


def test_code_and_layers_are_read_only(here: Cloud) -> None:
    layer = here.functions.publish_layer_version(LayerName="ro", Content={"ZipFile": packed({"x": "1"})})
    here.create(
        "readonly",
        """
        import os
        def handler(event, context):
            refused = []
            for path in ("/var/task/new", "/opt/new", "/var/runtime/new", "/new", "/usr/new"):
                try:
                    open(path, "w")
                except OSError as error:
                    refused.append(path)
            return [refused, os.getuid()]
        """,
        Layers=[layer["LayerVersionArn"]],
    )
    refused, user = here.invoke("readonly").value
    assert len(refused) == 5
    assert user == 993


def test_layers_lie_over_each_other_in_order(here: Cloud) -> None:
    arns = [
        here.functions.publish_layer_version(LayerName=name, Content={"ZipFile": packed(files)})["LayerVersionArn"]
        for name, files in {
            "under": {"both": "under", "python/low.py": "A = 'low'"},
            "over": {"both": "over", f"python/lib/{RUNTIME}/site-packages/high.py": "B = 'high'"},
        }.items()
    ]
    source = "import high, low\ndef handler(e, c): return [open('/opt/both').read(), low.A, high.B]"
    here.create("layered", source, Layers=arns)
    assert here.invoke("layered").value == ["over", "low", "high"]


def test_the_search_path_is_lambdas(here: Cloud) -> None:
    here.create("path", "import sys, os\ndef handler(e, c): return [sys.path, os.environ['PYTHONPATH']]")
    path, children = here.invoke("path").value
    assert path[:4] == [
        "/var/task",
        f"/opt/python/lib/{RUNTIME}/site-packages",
        "/opt/python",
        f"/var/lang/lib/{RUNTIME}/site-packages",
    ]
    assert children == "/var/runtime"


def test_with_pythonpath_set_lambda_adds_the_task_alone(here: Cloud) -> None:
    here.create(
        "ownpath",
        "import sys\ndef handler(e, c): return sys.path[:3]",
        Environment={"Variables": {"PYTHONPATH": "/opt/mine"}},
    )
    assert here.invoke("ownpath").value == ["/var/task", "/var/runtime", "/opt/mine"]


def test_pth_files_of_the_package_run(here: Cloud) -> None:
    files = {
        "more.pth": "/var/task/more\n",
        "more/extra.py": "X = 7",
        "app.py": "import extra\ndef handler(e, c): return extra.X",
    }
    here.create("pth", files)
    assert here.invoke("pth").value == 7


def test_only_lambdas_own_packages_are_beside_the_function(here: Cloud) -> None:
    here.create(
        "site",
        """
        import os
        def handler(event, context):
            import boto3, botocore, six, dateutil, urllib3, jmespath, s3transfer, simplejson
            return sorted(os.listdir(os.path.dirname(os.path.dirname(boto3.__file__))))
        """,
    )
    names = here.invoke("site").value
    assert {"awslambdaric", "boto3", "six.py"} <= set(names)
    assert not {"moto", "deployer", "pytest"} & set(names)


def test_the_environment_is_lambdas_and_nothing_of_the_hosts(here: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    here.create(
        "env", "import os\ndef handler(e, c): return dict(os.environ)", Environment={"Variables": {"MINE": "1"}}
    )
    found = here.invoke("env").value
    assert "SECRET_OF_THE_HOST" not in found
    assert found["MINE"] == "1"
    assert found["OPENBLAS_CORETYPE"] == "Haswell"
    assert found["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert found["LAMBDA_TASK_ROOT"] == "/var/task"
    assert found["LD_LIBRARY_PATH"].startswith("/var/lang/lib:/lib64:/usr/lib64:/var/runtime:")
    assert found["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/env"
    assert found["AWS_ENDPOINT_URL"] == here.aws.endpoint_url


def test_a_functions_own_aws_calls_reach_the_embedded_aws(here: Cloud) -> None:
    here.storage.create_bucket(Bucket="seen-from-inside")
    here.create(
        "caller",
        """
        import boto3
        def handler(event, context):
            return [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
        """,
    )
    assert "seen-from-inside" in here.invoke("caller").value


def test_the_wrapper_is_run_with_the_runtimes_command(here: Cloud) -> None:
    wrapper = '#!/bin/bash\nexport WRAPPED="$*"\nexec "$@"\n'
    layer = here.functions.publish_layer_version(LayerName="w", Content={"ZipFile": packed({"wrapper": wrapper})})
    here.create(
        "wrapped",
        "import os\ndef handler(e, c): return os.environ['WRAPPED']",
        Layers=[layer["LayerVersionArn"]],
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}},
    )
    assert here.invoke("wrapped").value == f"/var/lang/bin/{RUNTIME} /var/runtime/bootstrap.py"


@pytest.mark.parametrize(
    ("wrapper", "text", "status"),
    [("/opt/none", "does not exist", 127), ("/var/task/app.py", "is not an executable", 126)],
)
def test_a_wrapper_that_cannot_run_ends_the_runtime(here: Cloud, wrapper: str, text: str, status: int) -> None:
    name = f"nowrapper-{status}"
    here.create(name, ECHO, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": wrapper}})
    result = here.invoke(name)
    assert result.value["errorType"] == "Runtime.ExitError"
    assert result.value["errorMessage"].endswith(f"Runtime exited with error: exit status {status}")
    assert f"{wrapper}: {text}" in result.log


def test_an_exception_is_the_functions_error(here: Cloud) -> None:
    here.create("raises", "def handler(e, c): raise KeyError('x')")
    result = here.invoke("raises")
    assert result.error == "Unhandled"
    assert result.value["errorType"] == "KeyError"
    assert "[ERROR] KeyError: 'x'" in result.log


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_runtime_that_exits_is_an_exit_error(here: Cloud, body: str, text: str) -> None:
    name = f"exits-{abs(hash(body))}"
    here.create(name, f"import os, sys\ndef handler(e, c): {body}")
    result = here.invoke(name)
    assert result.value == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request} Error: {text}",
    }
    assert f"RequestId: {result.request} Error: {text}\nRuntime.ExitError" in result.log


def test_a_module_that_is_missing_is_an_import_error(here: Cloud) -> None:
    here.create("imports", "import nothing_like_it")
    result = here.invoke("imports")
    assert result.error == "Unhandled"
    assert result.value["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'nothing_like_it'" in result.value["errorMessage"]
    assert result.value["requestId"] == result.request
    assert "Phase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError" in result.log


def test_a_handler_that_is_missing_is_named(here: Cloud) -> None:
    here.create("nohandler", "x = 1")
    assert here.invoke("nohandler").value["errorType"] == "Runtime.HandlerNotFound"


def test_the_timeout_ends_the_invocation(here: Cloud) -> None:
    here.create("slow", "import time\ndef handler(e, c): time.sleep(60)", Timeout=1)
    result = here.invoke("slow")
    assert result.value == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {result.request} Error: Task timed out after 1.00 seconds",
    }
    assert f" {result.request} Task timed out after 1.00 seconds\n" in result.log
    assert "Status: timeout" in result.log


def test_a_sandbox_is_frozen_between_invocations(here: Cloud) -> None:
    source = """
        import threading, time
        ticks = []
        def tick():
            while True:
                ticks.append(1)
                time.sleep(0.01)
        threading.Thread(target=tick, daemon=True).start()
        def handler(event, context):
            return len(ticks)
    """
    here.create("frozen", source)
    before = here.invoke("frozen").value
    time.sleep(1)
    assert here.invoke("frozen").value - before < 50


def test_an_event_is_taken_and_run_in_the_background(here: Cloud) -> None:
    here.create("event", "def handler(e, c): print('ran', e)")
    answer = here.functions.invoke(FunctionName="event", InvocationType="Event", Payload=b'{"a": 1}')
    assert answer["StatusCode"] == 202
    while not any("ran {'a': 1}" in line for line in messages_so_far(here, "event")):
        time.sleep(0.02)


def messages_so_far(here: Cloud, name: str) -> list[str]:
    try:
        return here.messages(name)
    except here.logs.exceptions.ResourceNotFoundException:
        return []


def test_a_dry_run_runs_nothing(here: Cloud) -> None:
    here.create("dry", ECHO)
    assert here.functions.invoke(FunctionName="dry", InvocationType="DryRun")["StatusCode"] == 204
    assert messages_so_far(here, "dry") == []


def test_the_client_context_is_passed_on(here: Cloud) -> None:
    here.create("context", "def handler(e, c): return c.client_context.custom")
    context = "eyJjdXN0b20iOiB7ImsiOiAidiJ9fQ=="  # {"custom": {"k": "v"}}
    assert here.invoke("context", ClientContext=context).value == {"k": "v"}


def test_a_payload_is_six_megabytes_at_most(here: Cloud) -> None:
    here.create("big", ECHO)
    with pytest.raises(
        ClientError, match="Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    ):
        here.invoke("big", "x" * 6_291_456)


def test_an_answer_is_six_megabytes_at_most(here: Cloud) -> None:
    here.create("bigger", "def handler(e, c): return 'x' * 7_000_000")
    assert here.invoke("bigger").value["errorType"] == "Function.ResponseSizeTooLarge"


def test_another_runtime_is_refused_with_the_one_at_hand(here: Cloud) -> None:
    here.create("other", ECHO, Runtime="python3.10")
    with pytest.raises(ClientError, match=f"python3.10 is not at hand here: this embedded AWS runs {RUNTIME} only"):
        here.invoke("other")


def test_a_deadline_is_given_to_the_function(here: Cloud) -> None:
    here.create("deadline", "def handler(e, c): return c.get_remaining_time_in_millis()", Timeout=30)
    assert 20_000 < here.invoke("deadline").value <= 30_000


def test_reserved_concurrency_zero_throttles(here: Cloud) -> None:
    here.create("none", ECHO)
    here.functions.put_function_concurrency(FunctionName="none", ReservedConcurrentExecutions=0)
    with pytest.raises(here.functions.exceptions.TooManyRequestsException):
        here.invoke("none")


def test_an_answer_does_not_wait_for_what_keeps_the_runtime(here: Cloud) -> None:
    """A runtime that does not come back at once (work after the answer) keeps its sandbox, not its caller."""
    source = """
        import sys, time, uuid
        ME = str(uuid.uuid4())
        import awslambdaric.lambda_runtime_client as client
        real = client.LambdaRuntimeClient.wait_next_invocation
        def late(self):
            if getattr(self, "seen", False):
                time.sleep(3)
            self.seen = True
            return real(self)
        client.LambdaRuntimeClient.wait_next_invocation = late
        def handler(event, context):
            return ME
    """
    here.create("late", source)
    first, second = here.invoke("late").value, here.invoke("late").value
    assert first != second


def test_a_zip_keeps_symlinks_times_and_what_may_be_executed(here: Cloud, tmp_path: Path) -> None:
    files = {
        "tool.sh": "#!/bin/sh\necho ran",
        "app.py": """
        import os, subprocess
        def handler(event, context):
            return [subprocess.check_output(["/var/task/tool.sh"], text=True), os.stat("/var/task/app.py").st_mtime]
    """,
    }
    here.create("modes", files)
    assert here.invoke("modes").value == ["ran\n", 1714979290.0]


def test_json_that_is_none_is_refused(here: Cloud) -> None:
    here.create("nojson", ECHO)
    with pytest.raises(ClientError, match="Could not parse request body into json"):
        here.functions.invoke(FunctionName="nojson", Payload=b"{")


def test_the_client_sees_plain_json(here: Cloud) -> None:
    here.create("plain", "def handler(e, c): return 'ü'")
    body = here.functions.invoke(FunctionName="plain")["Payload"].read()
    assert json.loads(body) == "ü"
