"""What an invocation leaves in CloudWatch on the embedded AWS."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.local_aws import Cloud, cloud

LEVELS = """
    import json
    def handler(event, context):
        for level in ("debug", "info", "warning", "error"):
            print(json.dumps({"timestamp": "2024-05-06T07:08:09.123Z", "level": level, "message": level}))
        print("plain")
        print(json.dumps({"level": "error", "message": "no time"}))
"""


@pytest.fixture(scope="module")
def here() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


def test_the_log_of_a_first_invocation_is_lambdas(here: Cloud) -> None:
    here.create("first", "print('loading')\ndef handler(e, c): print('working')", MemorySize=256)
    request = here.invoke("first").request
    lines = here.messages("first")
    assert lines[0].startswith(f"INIT_START Runtime Version: python:3.{sys.version_info.minor}")
    assert lines[1:5] == [
        "loading\n",
        f"START RequestId: {request} Version: $LATEST\n",
        "working\n",
        f"END RequestId: {request}\n",
    ]
    report = rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t"
    assert re.fullmatch(report + r"Max Memory Used: \d\d+ MB\tInit Duration: [\d.]+ ms\t\n", lines[5])


def test_a_warm_invocation_has_no_start_up(here: Cloud) -> None:
    here.create("second", "def handler(e, c): pass")
    here.invoke("second")
    result = here.invoke("second")
    assert [line.split()[0] for line in result.log.splitlines()] == ["START", "END", "REPORT"]
    assert "Init Duration" not in result.log


def test_each_sandbox_has_a_stream(here: Cloud) -> None:
    here.create("streams", "import os\ndef handler(e, c): return [c.log_group_name, c.log_stream_name]")
    group, stream = here.invoke("streams").value
    assert group == "/aws/lambda/streams"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    found = here.logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert [each["logStreamName"] for each in found] == [stream]


def test_standard_error_and_an_unfinished_line_are_logged_before_the_answer(here: Cloud) -> None:
    source = "import sys\ndef handler(e, c): print('out'); print('err', file=sys.stderr); sys.stdout.write('cut')"
    here.create("both", source)
    here.invoke("both")
    assert here.messages("both")[2:5] == ["out\n", "err\n", "cut"]


def test_lines_printed_after_the_answer_still_arrive(here: Cloud) -> None:
    source = """
        import awslambdaric.bootstrap as bootstrap
        real = bootstrap.handle_event_request
        def chatty(*arguments, **more):
            real(*arguments, **more)
            print("afterwards")
        bootstrap.handle_event_request = chatty
        def handler(event, context):
            return 1
    """
    here.create("after", source)
    assert [line.split()[0] for line in here.invoke("after").log.splitlines()[-3:]] == ["afterwards", "END", "REPORT"]


def test_a_long_line_is_split_near_256_kilobytes(here: Cloud) -> None:
    here.create("long", "def handler(e, c): print('x' * 600_000)")
    here.invoke("long")
    parts = [line for line in here.messages("long") if line.startswith("x")]
    assert [len(part) for part in parts] == [262_144, 262_144, 600_001 - 2 * 262_144]


def test_the_tail_is_the_last_four_kilobytes(here: Cloud) -> None:
    here.create("tail", "def handler(e, c): print('y' * 10_000)")
    log = here.invoke("tail").log
    assert len(log) == 4096
    assert log.splitlines()[-1].startswith("REPORT")


def test_the_users_own_group_is_written_to(here: Cloud) -> None:
    here.create("grouped", "def handler(e, c): print('here')", LoggingConfig={"LogGroup": "/team/all"})
    here.invoke("grouped")
    assert "here\n" in here.messages("grouped", "/team/all")
    (stream,) = here.logs.describe_log_streams(logGroupName="/team/all")["logStreams"]
    assert re.search(r"/grouped\[\$LATEST\]", stream["logStreamName"])


def test_json_logs_have_lambdas_own_lines_as_events(here: Cloud) -> None:
    here.create("json", "def handler(e, c): pass", LoggingConfig={"LogFormat": "JSON"})
    request = here.invoke("json").request
    events = [json.loads(line) for line in here.messages("json")]
    assert [event["type"] for event in events] == ["platform.initStart", "platform.start", "platform.report"]
    assert events[2]["record"]["requestId"] == request
    assert events[2]["record"]["status"] == "success"
    assert events[2]["record"]["metrics"]["memorySizeMB"] == 128


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("DEBUG", ["debug", "info", "warning", "error", "plain", "no time"]),
        ("INFO", ["info", "warning", "error", "plain", "no time"]),
        ("WARN", ["warning", "error"]),
        ("ERROR", ["error"]),
    ],
)
def test_lines_below_the_level_or_without_one_are_dropped(here: Cloud, level: str, kept: list[str]) -> None:
    name = f"level-{level}"
    here.create(name, LEVELS, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": level})
    here.invoke(name)
    lines = [line for line in here.messages(name) if "platform." not in line]
    assert [text_of(line) for line in lines] == kept


def text_of(line: str) -> Any:
    return json.loads(line)["message"] if line.startswith("{") else line.strip()


def test_a_system_level_above_info_leaves_only_failures(here: Cloud) -> None:
    logging = {"LogFormat": "JSON", "SystemLogLevel": "WARN"}
    source = "import os\ndef handler(e, c):\n    if e.get('die'): os._exit(1)"
    here.create("quiet", source, LoggingConfig=logging)
    here.invoke("quiet")
    here.invoke("quiet", {"die": True})
    events = [json.loads(line) for line in here.messages("quiet")]
    assert [event["record"]["status"] for event in events] == ["error"]
