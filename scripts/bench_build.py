"""Measures package to slim zip: copied as it lies, and with every step, beside the peer: unzip, delete, ``zip -6``.

Both take the same full zip and the same paths to keep, in turn. The times are of whole processes, the interpreter's
start among them; the peak memory is what the kernel says of ours.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deployer.models.package import Package
from deployer.models.whitelist import Rules
from deployer.package import index, open_file, pack_folder
from deployer.whitelist.user_rules import match
from examples.build import build

CACHE = Path(__file__).parents[1] / ".bench"
UNNEEDED = Rules(drop=("tests/", "*.pyi", "*.h", "*.hpp", "*.pxd", "docs/", "*.c", "examples/"))
"""What a function rarely touches; a list of paths to keep is the better measure."""
OURS = """
import sys
from pathlib import Path
from deployer.models import Decision, Reason, Whitelist
from deployer.package import index, open_file
from deployer.slim import Settings, recipe, write_slim
full, keep, out = map(Path, sys.argv[1:4])
settings = Settings(trim="trim" in sys.argv, bytecode="bytecode" in sys.argv)
runtime = f"python3.{sys.version_info.minor}"
with open_file(full) as source:
    paths = filter(None, keep.read_text("utf-8", "surrogateescape").split("\\n"))
    whitelist = Whitelist("", {path: Decision(path, True, Reason.OPENED, "", 0, 0) for path in paths})
    package = index(source)
    write_slim(source, package, recipe(package, whitelist, settings, runtime), out)
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, nargs="?", help="a folder or a zip [default: examples/geo, built]")
    parser.add_argument("--keep-list", type=Path, help="paths to keep, one a line, as whitelist.txt has them")
    parser.add_argument("--runs", type=int, default=3, help="of each kind")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="ldeploy-bench-") as folder:
        package = options.package or build("geo", CACHE / "geo")
        print(json.dumps(measured(package, options.keep_list, options.runs, Path(folder)), indent=1))


def measured(given: Path, keep_list: Path | None, runs: int, folder: Path) -> dict[str, Any]:
    """Both ways in turn; seconds, medians, their ratio, and bytes."""
    full = given
    if given.is_dir():
        pack_folder(given, full := folder / "full.zip")
    with open_file(full) as source:
        package = index(source)
    keep = keep_list or written(kept(package), folder / "keep.txt")
    paths = set(keep.read_text("utf-8", "surrogateescape").split("\n")) - {""}
    copied, slimmed, peer, zipped, peaks = [], [], [], [], []
    for _ in range(runs):
        copied.append(by_ours(full, keep, folder / "copied.zip")[0])
        took, peak = by_ours(full, keep, folder / "ours.zip", "trim", "bytecode")
        slimmed.append(took)
        peaks.append(peak)
        whole, alone = by_packing_again(full, paths, folder / "unpacked", folder / "peer.zip")
        peer.append(whole)
        zipped.append(alone)
    seconds = {"copied": copied, "trimmed_and_compiled": slimmed, "unzip_delete_zip": peer, "zip_6_alone": zipped}
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        "bench": "build",
        "full": {"files": package.files, "bytes": package.bytes, "zip_bytes": package.zip_bytes},
        "slim": {
            "bytes": sum(package.entries[path].size for path in paths),
            "copied_zip_bytes": (folder / "copied.zip").stat().st_size,
            "ours_zip_bytes": (folder / "ours.zip").stat().st_size,
            "peer_zip_bytes": (folder / "peer.zip").stat().st_size,
        },
        "seconds": seconds,
        "median": medians,
        "copied_to_unzip_delete_zip": round(medians["copied"] / medians["unzip_delete_zip"], 3),
        "trimmed_and_compiled_to_zip_6": round(medians["trimmed_and_compiled"] / medians["zip_6_alone"], 3),
        "ours_peak_bytes": max(peaks),
    }


def kept(package: Package) -> list[str]:
    """What no rule drops."""
    dropped = match(UNNEEDED, package).dropped
    return [path for path in package.entries if path not in dropped]


def written(paths: list[str], out: Path) -> Path:
    out.write_text("".join(f"{path}\n" for path in paths), "utf-8", "surrogateescape")
    return out


def by_ours(full: Path, keep: Path, out: Path, *steps: str) -> tuple[float, int]:
    """Ours, in a process of its own: its seconds and its peak memory in bytes."""
    start = time.perf_counter()
    command = [sys.executable, "-c", OURS, str(full), str(keep), str(out), *steps]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return round(time.perf_counter() - start, 3), int(peak) * 1024


def by_packing_again(full: Path, keep: set[str], place: Path, out: Path) -> tuple[float, float]:
    """The peer's seconds: everything unpacked, what is not kept deleted, the rest packed again; and the last alone."""
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run(["unzip", "-q", str(full), "-d", str(place)], check=True)
    for top, _, names in os.walk(place):
        for name in names:
            path = Path(top, name)
            if path.relative_to(place).as_posix() not in keep:
                path.unlink()
    unpacked = time.perf_counter()
    subprocess.run(["zip", "-6", "-q", "-r", "-y", str(out), "."], cwd=place, check=True)
    end = time.perf_counter()
    shutil.rmtree(place)
    return round(end - start, 3), round(end - unpacked, 3)


if __name__ == "__main__":
    main()
