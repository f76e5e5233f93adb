#!/usr/bin/env python3
"""How fast libraries are trimmed, what it saves, and GNU strip beside it: one JSON object on standard output.

    scripts/bench_trim.py FOLDER [--no-strip]

Every library of the folder is trimmed in memory, and stripped in a temporary copy of the folder. Each is
loaded in a child process (``dlopen`` with RTLD_NOW) as it is, trimmed and stripped: ``broken`` counts those
that loaded as they were and no longer do.
"""

import argparse
import ctypes
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from deployer.slim.transforms.elf import trim
from tests.libraries import libraries

MB = 1_000_000


def _load(path: str) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    ctypes.CDLL(path, os.RTLD_NOW)


def loaded(root: Path) -> set[Path]:
    """Which libraries of a folder can be loaded, each in a process of its own."""
    fork = multiprocessing.get_context("fork")
    found = set()
    for path in libraries(root):
        child = fork.Process(target=_load, args=(str(path),))
        child.start()
        child.join(60)
        child.kill()
        child.join()
        if child.exitcode == 0:
            found.add(path.relative_to(root))
    return found


def copied(root: Path, folder: str, change: Callable[[Path], None]) -> tuple[Path, float]:
    """A copy of the folder with each library changed, and the seconds that the changes took."""
    copy = Path(folder) / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, symlinks=True)
    begin = time.perf_counter()
    for path in libraries(copy):
        change(path)
    return copy, time.perf_counter() - begin


def figures(root: Path, as_before: set[Path], change: Callable[[Path], None]) -> dict[str, object]:
    """What a change saves, how fast, and what it breaks."""
    size = sum(path.stat().st_size for path in libraries(root))
    with tempfile.TemporaryDirectory() as folder:
        copy, seconds = copied(root, folder, change)
        after = sum(path.stat().st_size for path in libraries(copy))
        broken = sorted(map(str, as_before - loaded(copy)))
    speed = round(size / MB / seconds, 1)
    saved = round((size - after) / MB, 1)
    return {"saved_mb": saved, "files_mb_per_s": speed, "broken": len(broken), "broken_first": broken[:3]}


def _trim_file(path: Path) -> None:
    trimmed = trim(path.read_bytes())
    if trimmed.saved:
        path.write_bytes(trimmed.data)


def _strip_file(path: Path) -> None:
    subprocess.run(["strip", str(path)], check=False, capture_output=True)


def in_memory(root: Path) -> dict[str, object]:
    """Trimming alone, without reading and writing files."""
    size, seconds, reasons = 0, 0.0, Counter[str]()
    for path in libraries(root):
        library = path.read_bytes()
        begin = time.perf_counter()
        trimmed = trim(library)
        _ = trimmed.data
        seconds += time.perf_counter() - begin
        size += len(library)
        reasons[trimmed.reason or "trimmed"] += 1
    return {
        "libraries": reasons.total(),
        "size_mb": round(size / MB, 1),
        "trim_mb_per_s": round(size / MB / seconds, 1),
        "outcomes": dict(reasons.most_common()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--no-strip", action="store_true", help="leave GNU strip out")
    arguments = parser.parse_args()
    root = arguments.folder
    result = in_memory(root)
    as_before = loaded(root)
    result["loadable"] = len(as_before)
    result["ours"] = figures(root, as_before, _trim_file)
    if not arguments.no_strip and shutil.which("strip"):
        result["gnu_strip"] = figures(root, as_before, _strip_file)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
