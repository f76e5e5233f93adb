"""A hundred sandboxes of one function at once: every record of every one is in the log."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from deployer.local.sandbox.instance import Limits
from tests.functional.local_aws import Cloud, client, cloud
from tests.functional.suite.judge import Embedded

MANY = 100
CODE = """
    import socket
    def handler(event, context):
        with socket.create_connection(("127.0.0.1", event["port"])) as gate:
            gate.recv(1)  # until every sandbox has come
        return open("data/%d.txt" % event["number"]).read() + open("data/all.txt").read()
"""


@pytest.fixture
def here() -> Iterator[Cloud]:
    with cloud(settle=0, limits=Limits(start_up=200)) as made:
        patient = client(made.aws, "lambda", config=Config(max_pool_connections=MANY, read_timeout=250))
        yield Cloud(made.aws, patient, made.storage, made.logs)
        patient.close()


def hold(gate: socket.socket) -> None:
    """Opens the gate when all stand before it."""
    waiting = [gate.accept()[0] for _ in range(MANY)]
    for each in waiting:
        each.close()


def test_a_hundred_sandboxes_at_once_lose_no_record(here: Cloud, tmp_path: Path) -> None:
    function = Embedded(here, tmp_path, tmp_path / "function", "many")
    for name in ("all", *map(str, range(MANY))):
        function.add(f"data/{name}.txt")
    function.deploy(CODE, Timeout=200)
    with socket.create_server(("127.0.0.1", 0), backlog=MANY) as gate, ThreadPoolExecutor(MANY + 1) as threads:
        opened = threads.submit(hold, gate)
        events: list[Any] = [{"port": gate.getsockname()[1], "number": number} for number in range(MANY)]
        answers = list(threads.map(function.invoke, events))
        opened.result()
    assert answers == ["xx"] * MANY
    evidence = function.evidence()
    assert (evidence.sandboxes, evidence.invocations) == (MANY, MANY)
    assert evidence.lines.records >= 2 * MANY
    assert (evidence.lines.lost, evidence.lines.cut) == (0, 0)
    assert {evidence.paths[path].sandboxes for path in ("app.py", "data/all.txt")} == {MANY}
    # In how many sandboxes is not asked: these share a kernel, which tells each what all open in the same folder.
    assert {f"data/{number}.txt" for number in range(MANY)} <= evidence.paths.keys()
    assert not evidence.faults
