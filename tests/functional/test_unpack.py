"""A package that is unpacked at start: whole, checked, below its own name; or one clear line and nothing half done."""

import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
import zlib
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from threading import Thread
from typing import Any

import pytest

from deployer.instrumentation import manifest
from deployer.package import FileSource, index, members
from probe_layer.record import Record, decode
from tests.functional.probe_host import Host

UNPACK = Path(__file__).parents[2] / "probe_layer" / "unpack.py"
APP = """
    import os, sys
    def handler(event, context):
        return {
            "root": os.environ["LAMBDA_TASK_ROOT"],
            "here": os.getcwd(),
            "file": __file__,
            "data": open("data/note.txt").read(),
            "libraries": os.environ.get("LD_LIBRARY_PATH", ""),
            "left": [name for name in os.environ if "LDEPLOY" in name and name != "LDEPLOY_JOURNAL"],
            "asked": os.path.exists(os.path.join(event["task"], "data/asked.txt")),
        }
"""
FILES = {
    "app.py": dedent(APP),
    "data/note.txt": "note",
    "data/asked.txt": "asked",
    "data/never.txt": "never",
    "bin/tool": "#!/bin/sh\nexit 7\n",
    "empty.txt": "",
    "deep/er/est/file.bin": os.urandom(300_000),
    "zeros.bin": bytes(3_000_000),
}
ODD = b"caf\xe9.txt"
"""A name that is not UTF-8."""


def a_zip(path: Path, files: dict[str, Any]) -> Path:
    """With a symlink, an empty folder, and a name that is not UTF-8."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            entry.create_system, entry.external_attr = 3, (0o755 if name.startswith("bin/") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_STORED if len(name) % 2 else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
        for name, mode, content in (("link.txt", 0o120777, "data/note.txt"), ("hollow/", 0o040755, "")):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, mode << 16
            archive.writestr(entry, content)
        archive.writestr("caf_.txt", "odd")
    path.write_bytes(path.read_bytes().replace(b"caf_.txt", ODD))
    return path


@dataclass(frozen=True)
class Stub:
    """A manifest beside its zip, and a /tmp."""

    folder: Path
    tmp: Path
    made: manifest.Manifest

    @property
    def root(self) -> Path:
        return self.tmp / f"ldeploy-{self.made.label}"

    @property
    def place(self) -> Path:
        return self.folder / "manifest.json"

    def write(self, made: manifest.Manifest | None = None) -> None:
        self.place.write_bytes(manifest.to_json(made or self.made))

    def run(self, *prefix: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*prefix, *self.command()], capture_output=True, text=True, check=False, timeout=60)

    def command(self) -> list[str]:
        return [sys.executable, "-Es", str(UNPACK), str(self.place), str(self.tmp)]

    def refused(self, *prefix: str) -> tuple[str, Record]:
        """The line and the record of an unpacking that failed; nothing that a runtime could take for a package."""
        done = self.run(*prefix)
        assert (done.returncode, done.stdout) == (1, "")
        assert not self.root.exists()
        line, last = done.stderr.splitlines()
        assert line.startswith("ldeploy: the package could not be unpacked: ")
        record = decode(last)
        assert record
        assert record.touched == {}
        return line, record


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    return make(tmp_path / "task", tmp_path / "tmp", FILES)


def make(folder: Path, tmp: Path, files: dict[str, Any]) -> Stub:
    folder.mkdir(parents=True)
    tmp.mkdir(exist_ok=True)
    source = FileSource(a_zip(folder / "full.zip", files))
    package = index(source)
    made = manifest.of_zip(package, manifest.Beside("full.zip"), members.digests(source, package))
    stub = Stub(folder, tmp, made)
    stub.write()
    return stub


def tree(root: Path) -> dict[bytes, tuple[str, bytes, int]]:
    """Each path below, with what it is."""
    return {os.fsencode(path.relative_to(root)): described(path) for path in root.rglob("*")}


def described(path: Path) -> tuple[str, bytes, int]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return ("link", os.fsencode(path.readlink()), 0)
    return ("file", path.read_bytes(), mode & 0o777) if stat.S_ISREG(mode) else ("folder", b"", mode & 0o777)


def whole(files: dict[str, Any]) -> dict[bytes, tuple[str, bytes, int]]:
    plain = {name.encode(): text.encode() if isinstance(text, str) else text for name, text in files.items()}
    plain[ODD] = b"odd"
    found = {name: ("file", text, 0o555 if name.startswith(b"bin/") else 0o444) for name, text in plain.items()}
    folders = {b"hollow", *(os.fsencode(up) for name in plain for up in Path(os.fsdecode(name)).parents)} - {b"."}
    found |= dict.fromkeys(folders, ("folder", b"", 0o555))
    return found | {b"link.txt": ("link", b"data/note.txt", 0)}


def test_all_of_it_is_there_and_nobody_may_write_to_it(stub: Stub) -> None:
    done = stub.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, str(stub.root), "")
    assert tree(stub.root) == whole(FILES)
    assert stat.S_IMODE(stub.root.stat().st_mode) == 0o555
    assert {path.name for path in stub.tmp.iterdir()} == {stub.root.name, f"{stub.root.name}.lock"}


def test_each_file_has_the_date_that_it_has_in_the_zip(stub: Stub) -> None:
    stub.run()
    assert {(stub.root / name).stat().st_mtime for name in FILES} == {1_714_979_290}  # 2024-05-06 07:08:10 UTC


def test_other_bytes_of_the_same_size_and_crc_32_are_refused(tmp_path: Path) -> None:
    assert zlib.crc32(b"plumless") == zlib.crc32(b"buckeroo")
    stub = make(tmp_path / "task", tmp_path / "tmp", {**FILES, "w.txt": "plumless"})
    full = stub.folder / "full.zip"
    assert full.read_bytes().count(b"plumless") == 1  # stored
    full.write_bytes(full.read_bytes().replace(b"plumless", b"buckeroo"))
    line, record = stub.refused()
    assert ("w.txt" in line, record.faults) == (True, ["unpack-damaged"])


def test_what_is_there_is_not_unpacked_again(stub: Stub) -> None:
    stub.run()
    (stub.folder / "full.zip").unlink()
    (stub.folder / "full.zip").touch()
    assert stub.run().stdout == str(stub.root)


# -- cut off, and two at once ----------------------------------------------------------------------------------------


def many(count: int) -> dict[str, Any]:
    return {f"folder{number % 50}/file{number}.bin": os.urandom(20_000) for number in range(count)}


def inodes(part: Path) -> dict[Path, int]:
    files = (Path(place, name) for place, _, names in os.walk(part) for name in names)
    return {path: path.stat().st_ino for path in files}


CUT_OFF = """
import os, runpy, signal, sys
share, placed = int(sys.argv[1]), 0
def rename(source, target, real=os.rename):
    global placed
    real(source, target)
    placed += 1
    if placed == share:
        os.kill(os.getpid(), signal.SIGKILL)
os.rename = rename
sys.argv = sys.argv[2:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""The unpacker, killed when so many more files have come to their places."""


def test_killed_anywhere_the_next_start_goes_on_and_nobody_sees_half_of_it(tmp_path: Path) -> None:
    files = many(1500)
    stub = make(tmp_path / "task", tmp_path / "tmp", files)
    part = stub.root.with_name(stub.root.name + ".part")
    python, flags, *program = stub.command()
    seen: list[dict[Path, int]] = []
    for share in (1, 200, 700, 400):
        ended = subprocess.run([python, flags, "-c", CUT_OFF, str(share), *program], check=False)
        assert ended.returncode == -signal.SIGKILL
        assert not stub.root.exists()
        seen.append(inodes(part))
        assert sum(map(len, seen[-2:-1])) + share <= len(seen[-1]) < 1500
    assert stub.run().stdout == str(stub.root)
    assert tree(stub.root) == whole(files)
    for earlier, later in pairwise(seen):
        assert earlier.items() <= later.items()
    kept = {path.relative_to(part): inode for path, inode in seen[-1].items()}
    assert all((stub.root / path).stat().st_ino == inode for path, inode in kept.items())


def test_what_was_cut_off_before_it_came_to_its_place_is_no_obstacle(stub: Stub) -> None:
    """It may be read-only already, which stops everybody but root; a folder in its place stops root too."""
    left = stub.root.with_name(stub.root.name + ".new")
    for number in range(8):
        (left / str(number)).mkdir(parents=True)
    assert stub.run().stdout == str(stub.root)
    assert tree(stub.root) == whole(FILES)


def test_two_that_start_at_once_unpack_it_once(tmp_path: Path) -> None:
    files = many(600)
    stub = make(tmp_path / "task", tmp_path / "tmp", files)
    both = [subprocess.Popen(stub.command(), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == [str(stub.root)] * 2
    assert tree(stub.root) == whole(files)


# -- from S3 ---------------------------------------------------------------------------------------------------------


class Waiting(BaseHTTPRequestHandler):
    """S3 with one object, whose bytes behind ``until`` come when the file ``place`` is there, or not at all."""

    data: bytes
    until: int
    place: Path

    def do_GET(self) -> None:
        start, end = (int(number) for number in self.headers["Range"].removeprefix("bytes=").split("-"))
        self.send_response(206)
        self.send_header("Content-Length", str(end + 1 - start))
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(self.data)}")
        self.end_headers()
        self.wfile.write(self.data[start : self.until])
        self.wfile.flush()
        for _ in range(500):
            if self.place.exists():
                self.wfile.write(self.data[max(start, self.until) : end + 1])
                return
            time.sleep(0.01)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


def test_a_file_is_unpacked_while_the_next_are_still_on_the_way(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (stub.folder / "full.zip").read_bytes()
    first, second, *_ = sorted(stub.made.files, key=lambda file: file.offset)
    kept = {"data": data, "until": second.offset, "place": Path(f"{stub.root}.part", first.path)}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Waiting,), kept)) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        place = manifest.InBucket("packages", "full.zip", "", len(data), "us-east-1")
        stub.write(replace(stub.made, sources=(place,)))
        done = stub.run()
        server.shutdown()
    assert (done.returncode, done.stdout, done.stderr) == (0, str(stub.root), "")
    assert tree(stub.root) == whole(FILES)


# -- what is refused -------------------------------------------------------------------------------------------------


def test_a_changed_byte_is_found_before_the_file_comes_to_its_place(stub: Stub) -> None:
    place = stub.folder / "full.zip"
    data = bytearray(place.read_bytes())
    entry = next(file for file in stub.made.files if file.path == "deep/er/est/file.bin")
    data[entry.offset + 1000] ^= 1
    place.write_bytes(data)
    line, record = stub.refused()
    assert "deep/er/est/file.bin in" in line
    assert "is not what was probed" in line
    assert record.faults == ["unpack-damaged"]
    assert "deep/er/est/file.bin" not in [str(path) for path in stub.tmp.rglob("*.bin")]


def test_a_zip_that_ends_too_soon_is_said_to_be_broken_off(stub: Stub) -> None:
    place = stub.folder / "full.zip"
    place.write_bytes(place.read_bytes()[:100_000])
    line, record = stub.refused()
    assert "was broken off" in line
    assert record.faults == ["unpack-unreachable"]


def test_no_file_is_written_longer_than_it_may_be(stub: Stub) -> None:
    """A zip that unpacks to many times its size, and a manifest that was made of another."""
    files = tuple(replace(file, size=10) if file.path == "zeros.bin" else file for file in stub.made.files)
    stub.write(replace(stub.made, files=files))
    line, record = stub.refused()
    assert "zeros.bin in" in line
    assert record.faults == ["unpack-damaged"]
    assert max(path.stat().st_size for path in stub.tmp.rglob("*") if path.is_file()) < 2_000_000


@pytest.mark.parametrize("path", ["../out.txt", "/out.txt", "data/../../out.txt", "a//b", "", "."])
def test_a_path_that_leads_out_of_the_package_is_refused_before_anything_is_written(stub: Stub, path: str) -> None:
    stub.write(replace(stub.made, files=(replace(stub.made.files[0], path=path), *stub.made.files)))
    line, record = stub.refused()
    assert "leads out of the package" in line
    assert record.faults == ["unpack-damaged"]
    assert not any(stub.tmp.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 2}', '{"version": 1, "label": 7}', "\xff"])
def test_what_is_no_manifest_is_refused(stub: Stub, text: str) -> None:
    stub.place.write_bytes(text.encode("latin-1"))
    line, record = stub.refused()
    assert "manifest.json cannot be read" in line
    assert record.faults == ["unpack-damaged"]


SMALL = 'mount -t tmpfs -o size=2m,nr_inodes=100 none "$1" && shift && exec "$@"'


def can_mount() -> bool:
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


def small_disk(stub: Stub) -> list[str]:
    """A prefix that puts a /tmp of 2 MB and 100 files in the place of the stub's."""
    if not (shutil.which("unshare") and can_mount()):
        pytest.skip("a small file system can only be mounted by root")
    return ["unshare", "-m", "sh", "-c", SMALL, "sh", str(stub.tmp)]


def test_a_tmp_that_is_too_small_is_known_before_anything_is_fetched(stub: Stub) -> None:
    line, record = stub.refused(*small_disk(stub))
    assert "it needs 3 MB more of" in line
    assert "raise the function's ephemeral storage" in line
    assert record.faults == ["unpack-space"]


def test_a_tmp_that_fills_up_meanwhile_is_said_to_be_full(stub: Stub) -> None:
    """By the number of its files, of which nothing is known before."""
    files = {f"d{number}/f{number}": b"x" for number in range(200)}
    full = make(stub.folder / "full", stub.tmp, files)
    line, record = full.refused(*small_disk(stub))
    assert "raise the function's ephemeral storage" in line
    assert record.faults == ["unpack-space"]


# -- with the probe --------------------------------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A function whose package is a stub: a manifest, its zip, and a symlink for each of the package's names."""
    host = Host(tmp_path)
    host.task.rmdir()
    stub = make(host.task / ".ldeploy", host.tmp, FILES)
    for name in {path.partition("/")[0] for path in FILES}:
        (host.task / name).symlink_to(stub.root / name)
    return host


def answer(host: Host, **environment: str) -> tuple[Any, list[Record], str]:
    run = host.run([{"task": str(host.task)}], environment=environment)
    assert len(run.answers) == 1, run.errors
    assert run.faults == set()
    return run.answers[0], run.records, run.errors


def test_the_runtime_is_led_to_the_package_and_the_records_are_of_the_package(host: Host) -> None:
    paths = f"/lib:{host.task}:{host.task}/lib:{host.task}er:/opt/lib"
    told, records, errors = answer(host, LD_LIBRARY_PATH=paths)
    root = told["root"]
    assert Path(root).parent == host.tmp
    assert told["here"] == root
    assert told["file"] == f"{root}/app.py"
    assert told["data"] == "note"
    assert told["libraries"] == f"/lib:{root}:{root}/lib:{host.task}er:/opt/lib"
    assert told["left"] == []
    assert errors == ""
    touched = {path for record in records for paths in record.touched.values() for path in paths}
    assert {"app.py", "data/note.txt"} <= touched
    assert "data/never.txt" not in touched


def test_what_is_asked_for_below_var_task_is_the_packages_too(host: Host) -> None:
    told, records, _ = answer(host)
    assert told["asked"]
    assert "data/asked.txt" in {path for record in records for path in record.touched.get("looked", [])}


def test_a_sandbox_that_does_not_report_is_led_there_too(host: Host) -> None:
    told, records, _ = answer(host, LDEPLOY_SAMPLE="0.000000001")
    assert told["file"].startswith(str(host.tmp))
    assert records == []


def test_the_functions_own_wrapper_may_lie_in_the_package(host: Host) -> None:
    label = json.loads((host.task / ".ldeploy/manifest.json").read_text())["label"]
    own = host.opt / "own"
    own.write_text(f'#!/bin/sh\n[ -e "{host.tmp}/ldeploy-{label}/app.py" ] || exit 9\nexec "$@"\n')
    own.chmod(0o755)
    told, _, _ = answer(host, LDEPLOY_WRAPPER=str(own))
    assert told["data"] == "note"


def test_a_package_that_cannot_be_unpacked_starts_no_function(host: Host) -> None:
    (host.task / ".ldeploy/full.zip").write_bytes(b"")
    run = host.run([{"task": str(host.task)}])
    assert run.answers == []
    assert "ldeploy: the package could not be unpacked" in run.errors


def test_the_zip_of_these_tests_is_one_that_others_read_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(a_zip(tmp_path / "a.zip", FILES).read_bytes())) as archive:
        assert archive.testzip() is None
