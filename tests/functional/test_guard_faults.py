"""What cannot be had: the original error stands, one line says why, nobody asks again, and the next start is right."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from deployer.package import index, open_file, unpack
from deployer.slim.guard import GuardMode
from probe_layer.guard.index import NAME, Index
from probe_layer.guard.line import decode
from tests.functional.guard_host import WRAPPER, Packages, answer, packages
from tests.functional.guard_server import FaultyBucket, make_certificate, serving
from tests.functional.local_aws import Cloud, cloud
from tests.functional.project import write

APP = """
    import os, signal, subprocess, sys, threading, time

    HERE, STARTED = os.path.dirname(os.path.abspath(__file__)), []

    def ask(path):
        try:
            with open(os.path.join(HERE, path)) as file:
                return len(file.read())
        except OSError as error:
            return error.strerror

    def fetchers():
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if b"guard/run.py" in file.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def handler(event, context):
        if event.get("begin"):
            thread = threading.Thread(target=lambda: STARTED.append(ask(event["begin"])))
            thread.start()
            while not fetchers():
                time.sleep(0.01)
            for victim in event.get("kill", []):
                for pid in fetchers() if victim == "fetcher" else [os.getpid()]:
                    os.kill(pid, signal.SIGKILL)
            if event.get("wait"):
                thread.join()
            return STARTED
        if event.get("end"):
            while not STARTED:
                time.sleep(0.01)
            return STARTED
        if event.get("processes"):
            code = f"import sys; sys.path.insert(0, {HERE!r}); import app; print(app.ask({event['processes']!r}))"
            running = [subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True) for _ in range(8)]
            return [process.communicate()[0].strip() for process in running]
        return [ask(path) for path in event["ask"]]
"""
OWN = """\
#!/bin/sh
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
if [ -n "$CREDENTIALS" ]; then
    export AWS_CONTAINER_CREDENTIALS_FULL_URI="$CREDENTIALS" AWS_CONTAINER_AUTHORIZATION_TOKEN=x
fi
exec "$@"
"""
GONE = "No such file or directory"
BIG = "data/big.bin"


@dataclass(frozen=True)
class Place:
    """Guarded packages on an AWS, a bucket that goes wrong, and one that does so over TLS."""

    made: Packages
    bucket: FaultyBucket
    secure: FaultyBucket
    certificate: Path

    @property
    def cloud(self) -> Cloud:
        return self.made.cloud

    def create(self, name: str, endpoint: str, **variables: str) -> None:
        self.made.create(name, "guarded", {"AWS_ENDPOINT_URL_S3": endpoint, **variables}, Timeout=20)

    def ask(self, name: str, *paths: str, **event: Any) -> Any:
        return answer(self.cloud.invoke(name, {"ask": paths, **event}))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("faults")
    files = {"app.py": dedent(APP), "own.sh": OWN, "data/one.txt": "1", "more/two.txt": "22", "kept.txt": "kept"}
    build = write(folder / "build", files)
    (build / "own.sh").chmod(0o755)
    (build / BIG).write_text("".join(f"{number * 7919 % 104729:x}" for number in range(500_000)))
    certificate = make_certificate(folder)
    shutil.copy(folder / "crt", build / "trusted.pem")
    with cloud(settle=0) as here:
        made = packages(here, folder, build, lambda path: not path.startswith(("data/", "more/")), GuardMode.S3)
        data = (folder / "full.zip").read_bytes()
        with serving(data) as bucket, serving(data, certificate) as secure:
            yield Place(made, bucket, secure, certificate)


REFUSED = {
    "denied": "guard-denied",
    "gone": "guard-gone",
    "changed": "guard-changed",
    "range": "guard-changed",
    "grown": "guard-changed",
    "broken": "guard-unreachable",
    "busy": "guard-unreachable",
    "hangs": "guard-unreachable",
    "half": "guard-unreachable",
}


@pytest.mark.parametrize("way", REFUSED)
def test_the_error_stands_one_line_says_why_and_nobody_asks_again(place: Place, way: str) -> None:
    place.create(way, place.bucket.url(way))
    assert place.ask(way, BIG, "kept.txt") == [GONE, 4]
    asked = place.bucket.requests[way]
    assert place.ask(way, BIG, "more/two.txt", "data/one.txt") == [GONE] * 3
    assert place.bucket.requests[way] == asked
    lines = place.made.misses(way, 4)
    assert [line.fault for line in lines if line.fault] == [REFUSED[way]]
    assert {line.miss for line in lines if line.miss} == {"data/one.txt", "more/two.txt", BIG}
    assert {line.how for line in lines if line.miss} == {"not-served"}


def test_a_damaged_file_is_not_served_and_others_are(place: Place) -> None:
    place.create("damaged", place.bucket.url("damaged"))
    assert place.ask("damaged", BIG) == [GONE]
    (fault,) = (line for line in place.made.misses("damaged", 2) if line.fault)
    assert fault.fault == "guard-damaged"
    asked = place.bucket.requests["damaged"]
    assert place.ask("damaged", BIG) == [GONE]
    assert place.bucket.requests["damaged"] == asked
    assert place.ask("damaged", "data/one.txt") == [1]


@pytest.mark.parametrize("way", ["flaky", "cut", "slow"])
def test_what_passes_is_tried_again(place: Place, way: str) -> None:
    place.create(way, place.bucket.url(way))
    assert place.ask(way, "more/two.txt", BIG) == [2, place.made.guarded.bytes - 3]
    assert not [line for line in place.made.misses(way, 2) if line.fault]


def test_where_there_is_no_network(place: Place) -> None:
    place.create("alone", "http://127.0.0.1:1")
    assert place.ask("alone", "data/one.txt") == [GONE]
    (fault,) = (line for line in place.made.misses("alone", 2) if line.fault)
    assert fault.fault == "guard-unreachable"
    assert "s3://packages/full.zip" in fault.text


def test_only_a_trusted_server_is_believed(place: Place) -> None:
    address = place.secure.url("fine", "https", "localhost")
    place.create("untrusted", address)
    assert place.ask("untrusted", "data/one.txt") == [GONE]
    assert [line.fault for line in place.made.misses("untrusted", 2) if line.fault] == ["guard-untrusted"]
    place.create("trusted", address, AWS_CA_BUNDLE="/var/task/trusted.pem")
    assert place.ask("trusted", "data/one.txt", BIG) == [1, place.made.guarded.bytes - 3]


def test_credentials_of_a_restored_sandbox_and_none(place: Place) -> None:
    place.create("bare", place.bucket.url("fine"), LDEPLOY_WRAPPER="/var/task/own.sh")
    assert place.ask("bare", "data/one.txt") == [GONE]
    assert [line.fault for line in place.made.misses("bare", 2) if line.fault] == ["guard-denied"]
    own = {"LDEPLOY_WRAPPER": "/var/task/own.sh", "CREDENTIALS": place.bucket.url("credentials")}
    place.create("restored", place.bucket.url("fine"), **own)
    assert place.ask("restored", "data/one.txt") == [1]
    assert "SNAP" in place.bucket.keys


SMALL = 'mount -t tmpfs -o "$1" none /tmp && shift && exec "$@"'
"""Runs a command with a /tmp of its own."""


@pytest.mark.parametrize(("room", "word"), [("size=8m", "x"), ("size=8m,nr_inodes=1", "f")])
def test_where_tmp_is_full(place: Place, tmp_path: Path, room: str, word: str) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file systems can be mounted here")
    task = Path("/var/tmp") / f"ldeploy-{os.getpid()}-{tmp_path.name}"  # /tmp is hidden
    task.mkdir()
    with open_file(place.made.folder / "guarded.zip") as source:
        unpack(source, index(source), task)
    rows = Index((task / ".ldeploy" / NAME).read_bytes())
    script = task / ".ldeploy/probe_layer/guard/run.py"
    command = [
        os.path.realpath(sys.executable),  # of a checkout below /tmp it is hidden
        "-I",
        "-S",
        "-B",
        str(script),
        str(task / ".ldeploy"),
        "1",
        "0" * 16,
        str(rows.find(BIG)),
    ]
    space = ["unshare", "-m", "sh", "-c", SMALL, "sh", room, *command]
    done = subprocess.run(space, capture_output=True, text=True, check=True)
    shutil.rmtree(task)
    assert done.stdout.lstrip(".")[0] == word
    line = decode(done.stdout)
    assert line is not None
    assert line.fault == "guard-space"
    assert "ephemeral storage" in line.text


# -- cut off ---------------------------------------------------------------------------------------------------------


def test_a_fetcher_that_is_killed_is_started_again(place: Place) -> None:
    place.create("killed", place.bucket.url("slow"))
    assert place.ask("killed", begin=BIG, kill=["fetcher"], wait=True) == [place.made.guarded.bytes - 3]


def test_the_next_start_in_the_same_sandbox_is_right(place: Place) -> None:
    place.create("ended", place.bucket.url("slow"))
    assert answer(place.cloud.invoke("ended", {"begin": BIG, "kill": ["fetcher", "runtime"]}))["errorType"]
    assert place.ask("ended", "data/one.txt", BIG) == [1, place.made.guarded.bytes - 3]


def test_a_sandbox_that_is_frozen_while_one_waits_goes_on(place: Place) -> None:
    place.create("frozen", place.bucket.url("slow"))
    assert place.ask("frozen", begin=BIG) in ([], [place.made.guarded.bytes - 3])
    assert place.ask("frozen", end=True) == [place.made.guarded.bytes - 3]


def test_eight_processes_at_once_have_it_by_one_request(place: Place) -> None:
    place.create("eight", place.bucket.url("eight"))
    assert place.ask("eight", processes=BIG) == [str(place.made.guarded.bytes - 3)] * 8
    assert place.bucket.requests["eight"] == 1


def test_without_its_wrapper_the_package_is_the_slim_one(place: Place) -> None:
    place.made.create("bare-links", "guarded", {"AWS_ENDPOINT_URL_S3": place.bucket.url("fine")})
    settings = {"Variables": dict.fromkeys(WRAPPER, "")}
    place.cloud.functions.update_function_configuration(FunctionName="bare-links", Environment=settings)
    place.cloud.settle("bare-links")
    assert place.ask("bare-links", "data/one.txt", "kept.txt") == [GONE, 4]
