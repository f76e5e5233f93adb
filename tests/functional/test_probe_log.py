"""What the probe writes to the log: how much, whole whatever else is written there, and how seldom among errors."""

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from deployer.evidence import gather
from deployer.instrumentation.layer_zip import PACKAGE_VARIABLE, WRAPPER, build_layer
from deployer.models.evidence import LogEvent
from probe_layer.record import HEAD, LIMIT, encode
from tests.functional.local_aws import Cloud, cloud
from tests.functional.probe_host import Host

MARK = "0123456789abcdef-fedcba9876543210"
FILES = [f"package_{n % 40}/subpackage_{n % 7}/_internal/module_{n}.json" for n in range(12_000)]
READS = """
    import json
    for path in json.load(open("files.json")):
        open(path).close()
    def handler(event, context):
        pass
"""
NOTES = """
    import ctypes, os
    shim = ctypes.PyDLL(None)
    for number in range(22_000):
        path = os.fsencode("%s/%030d" % (os.getcwd(), number))
        for letter in b"oOl":
            shim.ldeploy_note(letter, path)
    def handler(event, context):
        pass
"""


@pytest.fixture(scope="module")
def here() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


def probed(here: Cloud, name: str, files: dict[str, str], **settings: object) -> None:
    """A function with the probe in."""
    layer = here.functions.publish_layer_version(LayerName="ldeploy-probe", Content={"ZipFile": build_layer()})
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, PACKAGE_VARIABLE: MARK}
    here.create(
        name, files, Layers=[layer["LayerVersionArn"]], Environment={"Variables": variables}, Timeout=60, **settings
    )


def records(here: Cloud, name: str) -> list[str]:
    return [message for message in here.messages(name) if HEAD in message]


def events(lines: list[str]) -> list[LogEvent]:
    return [LogEvent(str(number), number, line, "stream") for number, line in enumerate(lines)]


def test_twelve_thousand_files_are_at_most_200_kilobytes_of_log(tmp_path: Path) -> None:
    host = Host(tmp_path)
    for name in FILES:
        host.add(name)
    host.add("files.json", json.dumps(FILES))
    host.add("app.py", dedent(READS))
    run = host.run()
    lines = [line for record in run.records for line in encode(record)]
    assert run.touched("opened") >= set(FILES)
    assert sum(map(len, lines)) < 200_000
    assert max(map(len, lines)) <= LIMIT
    assert run.faults == set()


def test_the_journal_has_room_for_what_three_witnesses_tell_of_22_000_files(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.add("app.py", dedent(NOTES))
    assert host.run().faults == set()


def test_a_log_of_errors_gets_no_line_without_news(here: Cloud) -> None:
    source = "import os\ndef handler(event, context): return event and os.path.exists(event)"
    files = {"app.py": source, "exceptions.py": "", "error.txt": ""}
    probed(here, "errors", files, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"})
    for event in ("", "", "", "exceptions.py", "", "error.txt", "", ""):
        here.invoke("errors", event)
    written = records(here, "errors")
    assert [json.loads(line)["phase"] for line in written] == ["start", "invoke", "invoke", "invoke"]
    assert {json.loads(line)["level"] for line in written} == {"ERROR"}
    assert not any(word in line for line in written for word in ("exception", "error", "Error"))
    found = gather(events(written), MARK)
    assert found.paths.keys() >= {"exceptions.py", "error.txt"}
    assert (found.invocations, found.lines.missing) == (6, 0)  # the last two are told with the next news


@pytest.fixture
def noisy(tmp_path):
    """A sandbox whose child process prints to the same pipe all the time."""
    host = Host(tmp_path)
    host.add("app.py", dedent("""
        import glob, subprocess, sys, time
        NOISE = "import os, time\\nwhile True: os.write(1, b'n' * 700 + b'\\\\n'); time.sleep(0.0002)"
        def handler(event, context):
            if event == "begin":
                subprocess.Popen([sys.executable, "-Sc", NOISE])
                time.sleep(0.2)
            for path in glob.glob("data/*"):
                open(path).close()
    """))  # fmt: skip
    return host


def test_a_child_that_prints_to_the_same_pipe_breaks_no_record(noisy: Host) -> None:
    names = {f"data/{number * 2654435761 % 2**32:08x}{number * 40503 % 65536:04x}.bin" for number in range(1_500)}
    for name in names:
        noisy.add(name)
    run = noisy.run(["begin", "go on"])
    assert {record.line for record in run.records} == set(range(len(run.records)))
    assert len(run.records) > 5
    assert run.touched("opened") >= names
    assert "n" * 700 in run.other
