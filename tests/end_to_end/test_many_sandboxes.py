"""Many sandboxes of one function at once: every record of every one is in the log."""

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

MANY = [25, pytest.param(100, marks=pytest.mark.slow("a hundred processes"))]
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
        patient = client(made.aws, "lambda", config=Config(max_pool_connections=100, read_timeout=250))
        yield Cloud(made.aws, patient, made.storage, made.logs)
        patient.close()


def hold(gate: socket.socket, many: int) -> None:
    """Open the gate when all stand before it."""
    waiting = [gate.accept()[0] for _ in range(many)]
    for each in waiting:
        each.close()


@pytest.mark.parametrize("many", MANY)
def test_many_sandboxes_at_once_lose_no_record(here: Cloud, tmp_path: Path, many: int) -> None:
    function = Embedded(here, tmp_path, tmp_path / "function", "many")
    for name in ("all", *map(str, range(many))):
        function.add(f"data/{name}.txt")
    function.deploy(CODE, Timeout=200)
    with socket.create_server(("127.0.0.1", 0), backlog=many) as gate, ThreadPoolExecutor(many + 1) as threads:
        opened = threads.submit(hold, gate, many)
        events: list[Any] = [{"port": gate.getsockname()[1], "number": number} for number in range(many)]
        answers = list(threads.map(function.invoke, events))
        opened.result()
    assert answers == ["xx"] * many
    evidence = function.evidence()
    assert (evidence.sandboxes, evidence.invocations) == (many, many)
    assert evidence.lines.records >= 2 * many
    assert (evidence.lines.lost, evidence.lines.cut) == (0, 0)
    assert {evidence.paths[path].sandboxes for path in ("app.py", "data/all.txt")} == {many}
    # In how many sandboxes is not asked: these share a kernel, which tells each what all open in the same folder.
    assert {f"data/{number}.txt" for number in range(many)} <= evidence.paths.keys()
    assert not evidence.faults
