"""What unpacking at start costs: ``examples/geo`` from disk and from S3, and its cold start when it was made to fit.

Prints one JSON object: seconds (medians of runs taken in turn), MB/s, ratios. Peers: a plain copy of the same files,
``unzip``, ``zipfile.extractall``, and Zappa's way for packages over the limit: the whole archive fetched by boto3, then
``shutil.unpack_archive``.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from deployer import manifest
from deployer.local import LocalAws
from deployer.local.code_store import unpack
from deployer.models import Package
from deployer.package import index, open_file
from deployer.package.folder import pack_folder
from examples.build import build

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench"
WORK = CACHE / "unpack"
TMP = WORK / "tmp"
LDEPLOY = Path(sys.executable).with_name("ldeploy")
UNPACK = [sys.executable, "-Es", str(ROOT / "probe_layer" / "unpack.py")]
Way = Callable[[], object]


def main() -> None:
    """Takes all runs and prints the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=5, help="of each way")
    runs = options.parse_args().runs
    WORK.mkdir(parents=True, exist_ok=True)
    folder, zipped, tarred = build("geo", CACHE / "geo"), WORK / "full.zip", WORK / "full.tar.gz"
    pack_folder(folder, zipped)
    with tarfile.open(tarred, "w:gz", compresslevel=6) as archive:
        archive.add(folder, ".")
    with open_file(zipped) as source:
        package = index(source)
    print(
        json.dumps(
            {
                "bytes": package.bytes,
                "from_disk": from_disk(package, folder, zipped, runs),
                "from_s3": from_s3(package, zipped, tarred, runs),
                "cold_start": cold_start(folder, runs),
            },
            indent=2,
        )
    )


def from_disk(package: Package, folder: Path, zipped: Path, runs: int) -> dict[str, Any]:
    """Ours, and what else puts the same files there."""
    described(package, manifest.Beside(zipped.name))
    ways: dict[str, Way] = {
        "ours": unpacked,
        "copy": lambda: shutil.copytree(folder, TMP / "x", symlinks=True),
        "unzip": lambda: subprocess.run(["unzip", "-q", zipped, "-d", TMP / "x"], check=True),
        "extractall": lambda: zipfile.ZipFile(zipped).extractall(TMP / "x"),
    }
    return figures(taken(ways, runs), package.bytes)


def from_s3(package: Package, zipped: Path, tarred: Path, runs: int) -> dict[str, Any]:
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
        described(package, manifest.InBucket("bench", zipped.name, "", size, environment["AWS_REGION"]))

        def fetch(path: Path) -> Path:
            storage.download_file("bench", path.name, str(TMP / path.name))
            return TMP / path.name

        ways: dict[str, Way] = {
            "ours": lambda: unpacked(environment),
            "fetch_alone": lambda: fetch(zipped),
            "fetch_then_unzip": lambda: subprocess.run(["unzip", "-q", fetch(zipped), "-d", TMP / "x"], check=True),
            "zappa": lambda: shutil.unpack_archive(fetch(tarred), TMP / "x", "gztar", filter="data"),
        }
        return figures(taken(ways, runs), package.bytes)


def cold_start(folder: Path, runs: int) -> dict[str, Any]:
    """The full package imported from disk; and the slim one that fits, unpacking included."""
    slim = WORK / "slim.zip"
    files = loop(folder, slim)
    task = WORK / "task"
    shutil.rmtree(task, ignore_errors=True)
    task.mkdir()
    unpack(slim, task)
    own = task / ".ldeploy"
    label = json.loads((own / "manifest.json").read_text())["label"]
    root = Path(f"/tmp/ldeploy-{label}")
    start = [sys.executable, "-Es", str(own / "probe_layer/unpack.py"), str(own / "manifest.json"), "/tmp"]
    importing = [sys.executable, "-B", "-c", "import app"]

    def slim_start() -> None:
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(importing, cwd=task, check=True)

    ways: dict[str, Way] = {"full": lambda: subprocess.run(importing, cwd=folder, check=True), "fitted": slim_start}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            remove(root)
            seconds[name].append(timed(way))
    remove(root)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rounded = {name: round(value, 2) for name, value in medians.items()}
    return {"packed_files": files, "seconds": rounded, "full_by_fitted": round(medians["full"] / medians["fitted"], 2)}


def loop(folder: Path, slim: Path) -> int:
    """The slim zip by the whole loop on the embedded AWS, as ``ldeploy shrink`` leaves it; the files packed in it."""
    place = WORK / "loop"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    commands = f"""
        set -e
        {LDEPLOY} probe bench-geo --package {folder} --resolve-s3 --yes --quiet --create \\
          --role arn:aws:iam::123456789012:role/bench --handler app.handler --memory 2048 --timeout 120 \\
          --runtime python{sys.version_info.major}.{sys.version_info.minor} --invoke {ROOT}/examples/geo/events
        {LDEPLOY} shrink bench-geo --from-logs --yes --quiet
    """
    with LocalAws(settle=0) as aws:
        environment = {**aws.environment(), "PYTHONPATH": str(ROOT)}
        subprocess.run(["bash", "-c", commands], cwd=place, env=environment, check=True, stdout=sys.stderr)
    shutil.copyfile(place / ".ldeploy/bench-geo/slim.zip", slim)
    with zipfile.ZipFile(slim) as archive:
        return len(json.loads(archive.read(manifest.NAME))["files"])


# -- runs ----------------------------------------------------------------------------------------------------------


def described(package: Package, place: manifest.Place) -> None:
    (WORK / "manifest.json").write_bytes(manifest.to_json(manifest.of_zip(package, place)))


def unpacked(environment: dict[str, str] | None = None) -> None:
    subprocess.run([*UNPACK, WORK / "manifest.json", TMP], check=True, env=environment, stdout=subprocess.DEVNULL)


def taken(ways: dict[str, Way], runs: int) -> dict[str, float]:
    """Each way in its turn, on a /tmp that is empty; the median of its seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            remove(TMP)
            TMP.mkdir()
            seconds[name].append(timed(way))
    remove(TMP)
    return {name: statistics.median(values) for name, values in seconds.items()}


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
