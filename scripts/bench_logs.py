"""Measures logs to evidence: 1,000,000 events by FilterLogEvents from a server on this machine, read by boto3.

Beside it the same in one shard, and the peer: what a user's own script would do, a list of all events, then json.loads,
the probe's own ``unpack`` and sets. Each reads in a process of its own, whose time and peak memory are printed, at a
tenth of the events and at all of them. Each answer of the server takes a while, as AWS's do (``--latency``, in
seconds).
"""

import argparse
import json
import multiprocessing
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deployer.aws import open_aws
from deployer.aws.logs import SHARDS
from deployer.evidence import gather
from deployer.models.evidence import LogEvent
from probe_layer.record import MARK, Record, encode, unpack

LABEL = "0123456789abcdef"
BLOCK = 1_000
"""Events in which one sandbox starts; it then answers in this block and the nine that follow."""
PAGE_EVENTS, PAGE_BYTES = 10_000, 1_000_000
"""What FilterLogEvents puts in one page at most
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html)."""
BEGIN, APART = 1_738_324_800_000, 100
"""The first event's timestamp, and the milliseconds from one event to the next."""
DOUBLED = 3
"""Events at the end of each page that the next page begins with."""
PATHS = [f"package_{number % 40}/subpackage_{number % 7}/module_{number}.py" for number in range(3_000)]
LONGEST = 200_000
"""Bytes: each record is one line."""
STARTED = PATHS[:1_000]
"""Touched by each sandbox's start; the others are touched now and then."""


# -- the log ---------------------------------------------------------------------------------------------------


def message(number: int) -> str:
    """The text of one event: in each block a start, warm records of ten sandboxes, and a few lines of the function."""
    block, place = divmod(number, BLOCK)
    if place == 0:
        return record(block, 0, phase="start", touched={"opened": STARTED})
    age = place % 10
    if place >= BLOCK - 10 or age > block:
        return f"[WARNING] 2025-01-31T12:00:00.000Z {number:036} the function speaks of {MARK} too\n"
    if place == BLOCK - 11:
        return record(block, 0, phase="start", touched={"opened": STARTED})[:500]
    line = 1 + sum(len(range(1 if older else 10, BLOCK - 11, 10)) for older in range(age)) + (place - 1) // 10
    touched = {"opened": [PATHS[1_000 + number // 50 % 2_000]]} if place % 50 == 0 else {}
    return record(block - age, line, phase="invoke", request=f"{number:036}", invocations=1, touched=touched)


def record(sandbox: int, line: int, **fields: Any) -> str:
    ordinary = Record(
        timestamp="2025-01-31T12:00:00.000Z",
        level="INFO",
        sandbox=f"{sandbox:016x}",
        line=line,
        package=LABEL,
        phase="",
        request=None,
        invocations=0,
        witnesses=["inotify", "shim"],
        faults=[],
        touched={},
    )
    return encode(ordinary._replace(**fields), LONGEST)[0] + "\n"


@dataclass(frozen=True)
class Answers:
    """FilterLogEvents' answers in a folder, one file each, by the timestamp of the last event up to there."""

    folder: Path
    ends: list[int]

    def answer(self, asked: dict[str, Any]) -> bytes:
        """As it lies in its file; of the first and the last of a time only what is in it."""
        number = int(asked.get("nextToken") or bisect_left(self.ends, asked["startTime"]))
        if number >= len(self.ends):
            return b'{"events":[]}'
        text = (self.folder / str(number)).read_bytes()
        inner = number > 0 and self.ends[number - 1] >= asked["startTime"] and self.ends[number] <= asked["endTime"]
        if inner and self.ends[number] < asked["endTime"]:
            return text
        answer = json.loads(text)
        span = range(asked["startTime"], asked["endTime"] + 1)
        answer["events"] = [event for event in answer["events"] if event["timestamp"] in span]
        if self.ends[number] >= asked["endTime"]:
            answer.pop("nextToken", None)
        return json.dumps(answer).encode()


def write_pages(folder: Path, events: int) -> tuple[Answers, int]:
    """The answers, every tenth without events, and the bytes of log in them."""
    ends: list[int] = []
    answers, size = 0, 0
    for page, token in pages(events):
        for part in ([], page) if answers % 10 == 9 else (page,):
            answers += 1
            answer = {"events": part, "searchedLogStreams": []}
            more = {"nextToken": str(answers)} if token or part is not page else {}
            (folder / str(answers - 1)).write_text(json.dumps(answer | more))
            ends.append(page[-1]["timestamp"])
        size += sum(len(str(event["message"])) for event in page)
    return Answers(folder, ends), size


def pages(events: int) -> Iterator[tuple[list[dict[str, Any]], bool]]:
    """The pages, and whether another follows."""
    page: list[dict[str, Any]] = []
    size = 0
    for number in range(events):
        text = message(number)
        if len(page) == PAGE_EVENTS or size + len(text) > PAGE_BYTES:
            yield page, True
            page, size = page[-DOUBLED:], 0
        page.append(event(number, text))
        size += len(text)
    yield page, False


def event(number: int, text: str) -> dict[str, Any]:
    sandbox = text.partition('"sandbox":"')[2][:16] or f"{number // BLOCK:016x}"
    return {
        "logStreamName": f"2025/01/31/[$LATEST]{sandbox:0>32}",
        "timestamp": BEGIN + APART * number,
        "message": text,
        "ingestionTime": BEGIN + APART * number + 1_000,
        "eventId": f"{number:056}",
    }


@contextmanager
def served(answers: Answers, latency: float) -> Iterator[str]:
    """The URL of a server that gives the answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = answers.answer(asked)
            time.sleep(latency)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# -- the readers -----------------------------------------------------------------------------------------------


def ldeploys(events: Iterator[LogEvent]) -> dict[str, int]:
    found = gather(events, LABEL)
    return {"paths": len(found.paths), "sandboxes": found.sandboxes, **asdict(found.lines)}


def naive(events: Iterator[LogEvent]) -> dict[str, int]:
    """What a user's own script does."""
    everything = list({event.id: event for event in events}.values())
    records = []
    for event in everything:
        with suppress(ValueError):
            records.append(json.loads(event.message))
    sandboxes = {record["sandbox"] for record in records}
    paths: dict[str, set[str]] = {}
    for record in records:
        for path in (path for paths in unpack(record.get("packed", ""))[0].values() for path in paths):
            paths.setdefault(path, set()).add(record["sandbox"])
    return {"paths": len(paths), "sandboxes": len(sandboxes), "records": len(records)}


READERS = {"ldeploy": (ldeploys, SHARDS), "ldeploy, one shard": (ldeploys, 1), "list and json.loads": (naive, 1)}


def read(reader: str, url: str, events: int) -> dict[str, object]:
    """Reads the whole log in this process: what was found, seconds, CPU seconds and the peak of memory in MB."""
    logs = open_aws("us-east-1", None, url).logs
    begun, cpu = time.perf_counter(), time.process_time()
    take, shards = READERS[reader]
    found = take(logs.events("/aws/lambda/bench", BEGIN, BEGIN + APART * events, lambda _: None, shards))
    spent = {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - cpu}
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return {"found": found, **{name: round(value, 2) for name, value in spent.items()}, "peak_mb": round(peak)}


def measured(events: int, latency: float) -> dict[str, object]:
    with TemporaryDirectory() as folder:
        answers, size = write_pages(Path(folder), events)
        with served(answers, latency) as url, multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            readers = {name: pool.apply(read, (name, url, events)) for name in READERS}
    return {"events": events, "log_mb": round(size / 1e6), "readers": readers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--latency", type=float, default=0.05)
    given = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench", AWS_EC2_METADATA_DISABLED="true")
    print(
        json.dumps(
            {"bench": "logs", "runs": [measured(given.events // part, given.latency) for part in (10, 1)]}, indent=1
        )
    )


if __name__ == "__main__":
    main()
