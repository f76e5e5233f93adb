"""What unpacking at start costs: ``examples/geo`` from disk and from S3, by codec, and the whole loop on it.

Prints one JSON object: seconds (the least of runs taken in turn), MB/s, ratios. Peers: a plain copy of the same files,
``unzip``, ``zipfile.extractall``, and Zappa's way for packages over the limit: the whole archive fetched by boto3, then
``shutil.unpack_archive``. ``--loop big`` takes the loop alone, on the package of 2 GB.
"""

import argparse
import bz2
import json
import lzma
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from bench_packages import NO_SHARED_MEMORY, hidden

from deployer.instrumentation import manifest
from deployer.local import LocalAws
from deployer.local.sandbox.code_store import unpack
from deployer.models.package import Package
from deployer.package import index, members, open_file
from deployer.package.folder import pack_folder
from examples.build import build

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench"
WORK = CACHE / "unpack"
LDEPLOY = Path(sys.executable).with_name("ldeploy")
UNPACK = [sys.executable, "-Es", str(ROOT / "probe_layer" / "unpack.py")]
SAMPLE = 60_000_000
"""Bytes of shared libraries that codecs are measured on."""
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
WATCHED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=2).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(code)
"""
"""A command, and its peak: from a small process, as a child's begins with its parent's."""
Way = Callable[[], object]


def main() -> None:
    """Takes all runs and prints the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=5, help="of each way")
    options.add_argument("--tmp", type=Path, default=WORK / "tmp", help="where it is unpacked")
    options.add_argument("--loop", metavar="EXAMPLE", help="the whole loop on it, and nothing else")
    chosen = options.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    found = {} if chosen.loop else unpacking(Bench(chosen.tmp / "unpacked", chosen.runs))
    print(json.dumps({**found, "loop": loop(chosen.loop or "geo", chosen.runs)}, indent=2))


def unpacking(bench: "Bench") -> dict[str, Any]:
    """The full package's files brought to the disk, by ours and by others."""
    folder, zipped, tarred = build("geo", CACHE / "geo"), WORK / "full.zip", WORK / "full.tar.gz"
    pack_folder(folder, zipped)
    with tarfile.open(tarred, "w:gz", compresslevel=6) as archive:
        archive.add(folder, ".")
    with open_file(zipped) as source:
        package = index(source)
    return {
        "bytes": package.bytes,
        "from_disk": bench.from_disk(package, folder, zipped),
        "from_s3": bench.from_s3(package, zipped, tarred),
        "codecs": codecs(folder),
    }


@dataclass(frozen=True)
class Bench:
    """Ways that put the same files into one folder, each in its turn."""

    tmp: Path
    runs: int

    def from_disk(self, package: Package, folder: Path, zipped: Path) -> dict[str, Any]:
        """Ours, and what else puts the same files there."""
        described(zipped, package, manifest.Beside(zipped.name))
        ways: dict[str, Way] = {
            "ours": self.unpacked,
            "copy": lambda: shutil.copytree(folder, self.tmp / "x", symlinks=True),
            "unzip": lambda: subprocess.run(["unzip", "-q", zipped, "-d", self.tmp / "x"], check=True),
            "extractall": lambda: zipfile.ZipFile(zipped).extractall(self.tmp / "x"),
        }
        return figures(self.taken(ways), package.bytes)

    def from_s3(self, package: Package, zipped: Path, tarred: Path) -> dict[str, Any]:
        """Ours by range requests as the bytes arrive; fetched whole first; and the fetching alone."""
        with LocalAws(settle=0) as aws:
            environment = aws.environment({})
            storage = boto3.client(
                "s3",
                endpoint_url=aws.endpoint_url,
                region_name=environment["AWS_REGION"],
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            )
            storage.create_bucket(Bucket="bench")
            for path in (zipped, tarred):
                storage.upload_file(str(path), "bench", path.name)
            size = zipped.stat().st_size
            described(zipped, package, manifest.InBucket("bench", zipped.name, "", size, environment["AWS_REGION"]))

            def fetch(path: Path) -> Path:
                storage.download_file("bench", path.name, str(self.tmp / path.name))
                return self.tmp / path.name

            ways: dict[str, Way] = {
                "ours": lambda: self.unpacked(environment),
                "fetch_alone": lambda: fetch(zipped),
                "fetch_then_unzip": lambda: subprocess.run(
                    ["unzip", "-q", fetch(zipped), "-d", self.tmp / "x"], check=True
                ),
                "zappa": lambda: shutil.unpack_archive(fetch(tarred), self.tmp / "x", "gztar", filter="data"),
            }
            return figures(self.taken(ways), package.bytes)

    def unpacked(self, environment: dict[str, str] | None = None) -> None:
        """By ours."""
        command = [*UNPACK, str(WORK / "manifest.json"), str(self.tmp)]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)

    def taken(self, ways: dict[str, Way]) -> dict[str, float]:
        """Each way in its turn, on a folder that is empty; the least of its seconds."""
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(self.runs):
            for name, way in ways.items():
                remove(self.tmp)
                self.tmp.mkdir(parents=True)
                seconds[name].append(timed(way))
        remove(self.tmp)
        return {name: min(values) for name, values in seconds.items()}


def codecs(folder: Path) -> dict[str, Any]:
    """What libraries come to, packed by codecs that each runtime's Python has, and how fast they are unpacked."""
    libraries = sorted(folder.rglob("*.so*"), key=lambda path: path.stat().st_size)
    data = [path.read_bytes() for path in libraries if path.stat().st_size < SAMPLE // 4]
    while sum(map(len, data)) > SAMPLE:
        data.pop(0)
    size = sum(map(len, data))
    ways: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
        "deflate": (zlib.compress, zlib.decompress),
        "bzip2": (bz2.compress, bz2.decompress),
        "xz": (lzma.compress, lzma.decompress),
    }
    found = {}
    with ThreadPoolExecutor(2) as both:
        for name, (squeeze, spread) in ways.items():
            packed = list(both.map(squeeze, data))
            best = min(timed(lambda: list(both.map(spread, packed))) for _ in range(3))  # noqa: B023 - called here
            found[name] = {"packed": round(sum(map(len, packed)) / size, 3), "mb_per_s": round(size / best / 1e6)}
    return found


# -- the whole loop ------------------------------------------------------------------------------------------------


def loop(name: str, runs: int) -> dict[str, Any]:
    """An example probed, shrunk and put back on the embedded AWS: what each command takes, and its cold starts."""
    folder, place = build(name, CACHE / name), WORK / "loop"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    role = "arn:aws:iam::123456789012:role/bench"
    create = f"--create --role {role} --handler app.handler --runtime {RUNTIME} --memory 2048 --timeout 120"
    probe = f"--package {folder} --resolve-s3 --invoke {ROOT}/examples/{name}/events {create}"
    with LocalAws(settle=0) as aws:
        environment = {**aws.environment(), "PYTHONPATH": str(ROOT)}
        commands = {
            "probe": command(f"probe bench {probe}", place, environment),
            "shrink": command("shrink bench --from-logs", place, environment),
        }
        cold = cold_start(folder, place / ".ldeploy/bench/slim.zip", environment, runs)
        commands["restore"] = command("restore bench", place, environment)
    report = json.loads((place / ".ldeploy/bench/report.json").read_text())
    sizes = {when: {key: report[when][key] for key in ("files", "bytes", "zip_bytes")} for when in ("before", "after")}
    return {"example": name, **sizes, "steps": report["steps"], "commands": commands, "cold_start": cold}


def command(words: str, place: Path, environment: dict[str, str]) -> dict[str, float]:
    """One of ldeploy's: its seconds, and the most memory that it or a process of its had (MB)."""
    began = time.perf_counter()
    line = [sys.executable, "-c", WATCHED, str(LDEPLOY), *words.split(), "--yes", "--quiet"]
    done = subprocess.run(line, cwd=place, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return {"seconds": round(time.perf_counter() - began, 1), "peak_mb": int(done.stdout)}


def cold_start(folder: Path, slim: Path, environment: dict[str, str], runs: int) -> dict[str, Any]:
    """The full package imported from disk; and the slim one that fits, unpacking included."""
    task = WORK / "task"
    shutil.rmtree(task, ignore_errors=True)
    task.mkdir()
    unpack(slim, task)
    own = task / ".ldeploy"
    described = json.loads((own / "manifest.json").read_text())
    root = Path(f"/tmp/ldeploy-{described['label']}")
    start = [sys.executable, "-Es", str(own / "probe_layer/unpack.py"), str(own / "manifest.json"), "/tmp"]
    importing = [*hidden(NO_SHARED_MEMORY), sys.executable, "-B", "-c", "import app"]

    def unpacking() -> None:
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, env=environment)

    def fitted() -> None:
        unpacking()
        subprocess.run(importing, cwd=task, check=True)

    ways: dict[str, Way] = {
        "full": lambda: subprocess.run(importing, cwd=folder, check=True),
        "fitted": fitted,
        "unpacking_alone": unpacking,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            remove(root)
            seconds[name].append(timed(way))
    remove(root)
    least = {name: min(values) for name, values in seconds.items()}
    return {
        "unpacked": {"files": len(described["files"]), "bytes": described["bytes"]},
        "seconds": {name: round(value, 2) for name, value in least.items()},
        "full_by_fitted": round(least["full"] / least["fitted"], 2),
    }


# -- runs ----------------------------------------------------------------------------------------------------------


def described(zipped: Path, package: Package, place: manifest.Place) -> None:
    with open_file(zipped) as source:
        made = manifest.of_zip(package, place, members.digests(source, package))
    (WORK / "manifest.json").write_bytes(manifest.to_json(made))


def timed(way: Way) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def remove(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "u+w", folder], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


def figures(seconds: dict[str, float], size: int) -> dict[str, Any]:
    """Seconds, MB/s of unpacked bytes, and each way's time by ours."""
    return {
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "mb_per_s": {name: round(size / value / 1e6) for name, value in seconds.items()},
        "by_ours": {name: round(value / seconds["ours"], 2) for name, value in seconds.items()},
    }


if __name__ == "__main__":
    main()
