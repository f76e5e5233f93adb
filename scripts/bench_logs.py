"""Measures logs to evidence: 1,000,000 events by FilterLogEvents from a server on this machine, read by boto3.

Beside it the peer: what a user's own script would do, a list of all events, then json.loads and sets. Each reads in
a process of its own, whose time and peak memory are printed, at a tenth of the events and at all of them.
"""

import argparse
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deployer.aws import open_aws
from deployer.evidence import gather
from deployer.models import LogEvent
from probe_layer.record import MARK, Record, encode

LABEL = "0123456789abcdef"
BLOCK = 1_000
"""Events in which one sandbox starts; it then answers in this block and the nine that follow."""
PAGE_EVENTS, PAGE_BYTES = 10_000, 1_000_000
"""What FilterLogEvents puts in one page at most
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html)."""
DOUBLED = 3
"""Events at the end of each page that the next page begins with."""
PATHS = [f"package_{number % 40}/subpackage_{number % 7}/module_{number}.py" for number in range(3_000)]
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
    return encode(ordinary._replace(**fields))[0] + "\n"


def write_pages(folder: Path, events: int) -> int:
    """FilterLogEvents' answers, one file each, every tenth without events; gives the bytes of log in them."""
    answers, size = 0, 0
    for page, token in pages(events):
        for part in ([], page) if answers % 10 == 9 else (page,):
            answers += 1
            answer = {"events": part, "searchedLogStreams": []}
            more = {"nextToken": str(answers)} if token or part is not page else {}
            (folder / str(answers - 1)).write_text(json.dumps(answer | more))
        size += sum(len(str(event["message"])) for event in page)
    return size


def pages(events: int) -> Iterator[tuple[list[dict[str, object]], bool]]:
    """The pages, and whether another follows."""
    page: list[dict[str, object]] = []
    size = 0
    for number in range(events):
        text = message(number)
        if len(page) == PAGE_EVENTS or size + len(text) > PAGE_BYTES:
            yield page, True
            page, size = page[-DOUBLED:], 0
        page.append(event(number, text))
        size += len(text)
    yield page, False


def event(number: int, text: str) -> dict[str, object]:
    return {
        "logStreamName": f"2025/01/31/[$LATEST]{number // BLOCK:032x}",
        "timestamp": 1_738_324_800_000 + number,
        "message": text,
        "ingestionTime": 1_738_324_801_000 + number,
        "eventId": f"{number:056}",
    }


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a server that gives the answers in the folder."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = (folder / asked.get("nextToken", "0")).read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
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
        for path in (path for touched in record["touched"].values() for path in touched):
            paths.setdefault(path, set()).add(record["sandbox"])
    return {"paths": len(paths), "sandboxes": len(sandboxes), "records": len(records)}


READERS = {"ldeploy": ldeploys, "list and json.loads": naive}


def read(reader: str, url: str) -> dict[str, object]:
    """Reads the whole log in this process: what was found, seconds, CPU seconds and the peak of memory in MB."""
    logs = open_aws("us-east-1", None, url).logs
    begun, cpu = time.perf_counter(), time.process_time()
    found = READERS[reader](logs.events("/aws/lambda/bench", 0, 2**41, lambda _: None))
    spent = {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - cpu}
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return {"found": found, **{name: round(value, 2) for name, value in spent.items()}, "peak_mb": round(peak)}


def measured(events: int) -> dict[str, object]:
    with TemporaryDirectory() as folder:
        size = write_pages(Path(folder), events)
        with served(Path(folder)) as url, multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            readers = {name: pool.apply(read, (name, url)) for name in READERS}
    return {"events": events, "log_mb": round(size / 1e6), "readers": readers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    events = parser.parse_args().events
    os.environ.update(AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench", AWS_EC2_METADATA_DISABLED="true")
    print(json.dumps({"bench": "logs", "runs": [measured(events // 10), measured(events)]}, indent=1))


if __name__ == "__main__":
    main()
