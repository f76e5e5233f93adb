"""A sandbox as Lambda makes one, as far as the probe can tell: the Runtime API, the wrapper, plain folders.

The layer is the real one, unpacked from its zip; the runtime client is the real one. The sandbox keeps its state (the
journal) between runs, so a second run is a runtime started again in the same sandbox.
"""

import io
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deployer.instrumentation.layer_zip import build_layer
from probe_layer.record import Record, decode, read_touch

BOOTSTRAP = """
import os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from awslambdaric.__main__ import main
if __name__ == "__main__":
    main([__file__, os.environ["_HANDLER"]])
"""
TOUCHING = re.compile(r'^(\w+)\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)".*\) = (?!-1)')


@dataclass(frozen=True)
class Run:
    """What came of one runtime's life."""

    answers: list[Any]
    """What was posted for each event, in order; for an error, its JSON object."""
    records: list[Record]
    other: str
    """What the function printed: standard output without the records."""
    errors: str
    """Standard error."""

    def touched(self, *kinds: str) -> set[str]:
        """The paths in the records, of all kinds or of some."""
        return {
            path
            for record in self.records
            for name, paths in record.touched.items()
            for path in paths
            if not kinds or read_touch(name)[0] in kinds
        }

    @property
    def faults(self) -> set[str]:
        return {fault for record in self.records for fault in record.faults}


class Api(ThreadingHTTPServer):
    """Lambda's Runtime API: gives out each event once, keeps what is answered."""

    daemon_threads = True

    def __init__(self, events: Sequence[Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.waiting = list(enumerate(events))
        self.answers: list[Any] = []
        self.ended = threading.Event()
        self.freed = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api

    def do_GET(self) -> None:
        if not self.server.waiting:
            self.server.ended.set()
            self.server.freed.wait()
            return
        number, event = self.server.waiting.pop(0)
        body = json.dumps(event).encode()
        self.send_response(200)
        for name, value in {
            "Lambda-Runtime-Aws-Request-Id": f"request-{number}",
            "Lambda-Runtime-Deadline-Ms": "9999999999999",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class Host:
    """One sandbox in a folder: ``task`` is /var/task, ``opt`` is /opt, ``tmp`` is its /tmp."""

    def __init__(self, folder: Path) -> None:
        self.task, self.opt, self.tmp = folder / "task", folder / "opt", folder / "tmp"
        for place in (self.task, self.opt, self.tmp):
            place.mkdir()
        self.bootstrap = folder / "bootstrap.py"
        self.bootstrap.write_text(BOOTSTRAP)
        self.journal = self.tmp / ".ldeploy-journal"
        self.wrapper = self.opt / "ldeploy" / "wrapper"
        with zipfile.ZipFile(io.BytesIO(build_layer())) as layer:
            for info in layer.infolist():
                Path(layer.extract(info, self.opt)).chmod(info.external_attr >> 16 & 0o777)

    def add(self, path: str, content: str | bytes = "", mode: int = 0o644) -> Path:
        """A file of the package."""
        file = self.task / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)
        return file

    def run(
        self,
        events: Sequence[Any] = ({},),
        *,
        probe: bool = True,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Run:
        """One runtime, until it has answered every event and asks for more, or ends by itself."""
        with serving(events) as api:
            command = [*prefix, *[str(self.wrapper)] * probe, python, str(self.bootstrap)]
            variables = {
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "PWD": str(self.task),
                "LAMBDA_TASK_ROOT": str(self.task),
                "_HANDLER": "app.handler",
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
                "PYTHONDONTWRITEBYTECODE": "1",
                **({"LDEPLOY_PACKAGE": "00112233aabbccdd"} if probe else {}),
                **(environment or {}),
            }
            with subprocess.Popen(
                command, cwd=self.task, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, errors="surrogateescape", encoding="utf-8",
            ) as process:  # fmt: skip
                threading.Thread(target=end, args=(process, api), daemon=True).start()
                output, errors = process.communicate(timeout=120)
                api.ended.set()
        lines = output.splitlines(keepends=True)
        records = [(line, decode(line)) for line in lines]
        other = "".join(line for line, record in records if record is None)
        return Run(api.answers, [record for _, record in records if record is not None], other, errors)


def end(process: subprocess.Popen[str], api: Api) -> None:
    """Lambda's way: a runtime that waits is killed, and everything with it."""
    api.ended.wait()
    api.freed.set() if process.poll() is not None else os.killpg(process.pid, 9)
    api.freed.set()


@contextmanager
def serving(events: Sequence[Any]) -> Iterator[Api]:
    with Api(events) as api:
        threading.Thread(target=api.serve_forever, args=(0.01,), daemon=True).start()
        yield api
        api.freed.set()
        api.shutdown()


def witnessed(traces: Path, below: Path) -> set[str]:
    """Every file or link below a folder that strace saw touched by name, with success; paths relative to the folder.

    Args:
        traces: folder of ``strace -ff -y -e trace=%file`` outputs.
    """
    seen = (path for path in named(traces, below) if path.is_relative_to(below))
    return {str(path.relative_to(below)) for path in seen if path.is_file() or path.is_symlink()}


def named(traces: Path, start: Path) -> set[Path]:
    """Every path that strace saw touched by name, with success.

    Args:
        traces: as for ``witnessed``.
        start: the working directory of each process at its beginning.
    """
    seen: set[Path] = set()
    for trace in traces.iterdir():
        here = start
        for line in trace.read_bytes().decode("latin-1").splitlines():
            if found := TOUCHING.match(line):
                call, folder, path = found.groups()
                plain = os.fsdecode(path.encode("latin-1").decode("unicode_escape").encode("latin-1"))
                whole = Path(os.path.normpath(Path(folder or here, plain)))
                here = whole if call == "chdir" else here
                seen.add(whole)
    return seen


STRACE = ["strace", "-ff", "-y", "-s", "4096", "-e", "trace=%file", "-o"]
"""A prefix that has strace write what every process touches into files whose names begin with what follows."""


def strace(traces: Path) -> list[str]:
    """A prefix that has strace write into a folder."""
    traces.mkdir(exist_ok=True)
    return [*STRACE, str(traces / "trace")]
