"""Measures package to slim zip: entries copied still packed, beside the peer: unzip, delete, ``zip -6``.

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

from deployer.models import Package, Rules
from deployer.package import index, open_file, pack_folder
from deployer.whitelist.rules import match
from examples.build import build

CACHE = Path(__file__).parents[1] / ".bench"
UNNEEDED = Rules(drop=("tests/", "*.pyi", "*.h", "*.hpp", "*.pxd", "docs/", "*.c", "examples/"))
"""What a function rarely touches; a list of paths to keep is the better measure."""
OURS = """
import sys
from pathlib import Path
from deployer.package import index, open_file
from deployer.slim import write_slim
full, keep, out = map(Path, sys.argv[1:])
with open_file(full) as source:
    paths = keep.read_text("utf-8", "surrogateescape").split("\\n")
    write_slim(source, index(source), filter(None, paths), out)
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
    ours, peer, peaks = [], [], []
    for _ in range(runs):
        seconds, peak = by_copying(full, keep, folder / "ours.zip")
        ours.append(seconds)
        peaks.append(peak)
        peer.append(by_packing_again(full, paths, folder / "unpacked", folder / "peer.zip"))
    return {
        "bench": "build",
        "full": {"files": package.files, "bytes": package.bytes, "zip_bytes": package.zip_bytes},
        "slim": {
            "bytes": sum(package.entries[path].size for path in paths),
            "ours_zip_bytes": (folder / "ours.zip").stat().st_size,
            "peer_zip_bytes": (folder / "peer.zip").stat().st_size,
        },
        "seconds": {"ours": ours, "unzip_delete_zip": peer},
        "median": {"ours": statistics.median(ours), "unzip_delete_zip": statistics.median(peer)},
        "ratio": round(statistics.median(ours) / statistics.median(peer), 3),
        "ours_peak_bytes": max(peaks),
    }


def kept(package: Package) -> list[str]:
    """What no rule drops."""
    dropped = match(UNNEEDED, package).dropped
    return [path for path in package.entries if path not in dropped]


def written(paths: list[str], out: Path) -> Path:
    out.write_text("".join(f"{path}\n" for path in paths), "utf-8", "surrogateescape")
    return out


def by_copying(full: Path, keep: Path, out: Path) -> tuple[float, int]:
    """Ours, in a process of its own: its seconds and its peak memory in bytes."""
    start = time.perf_counter()
    process = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", OURS, str(full), str(keep), str(out)])
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit("the slim zip could not be written")
    return round(time.perf_counter() - start, 3), usage.ru_maxrss * 1024


def by_packing_again(full: Path, keep: set[str], place: Path, out: Path) -> float:
    """The peer's seconds: everything unpacked, what is not kept deleted, the rest packed again."""
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run(["unzip", "-q", str(full), "-d", str(place)], check=True)
    for top, _, names in os.walk(place):
        for name in names:
            path = Path(top, name)
            if path.relative_to(place).as_posix() not in keep:
                path.unlink()
    subprocess.run(["zip", "-6", "-q", "-r", "-y", str(out), "."], cwd=place, check=True)
    seconds = round(time.perf_counter() - start, 3)
    shutil.rmtree(place)
    return seconds


if __name__ == "__main__":
    main()
