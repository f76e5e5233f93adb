"""Size and start of real functions, side by side: in full, by other ways, and by ours step by step.

    scripts/bench sizes [EXAMPLE...] [--runs N] [--out FILE]

Each package runs in a sandbox of plain folders with AWS's own runtime client, so that one over Lambda's limit can be
measured too. The start is the import of the handler's module, the runtime client already imported and the files in the
page cache: the least of several new processes, all packages in turn. The answers are those to all the events.
Prints one JSON object an example; ``--out`` writes a table in Markdown.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench_packages import NO_SHARED_MEMORY, OWN_TMP, Variant, Workshop, hidden, runtime

from examples.build import HERE as EXAMPLES
from examples.build import build

CACHE = Path(__file__).parents[1] / ".bench"
HEAD = "| package | unpacked | of full | zip | start | times faster | answers right |\n|" + " --- |" * 7
BIG = "big"
"""An example of 2 GB: ``bench_unpack`` leads it through the loop."""
START = """
import sys, time
sys.path.insert(0, sys.argv[1])
import awslambdaric.bootstrap
begin = time.perf_counter()
import app
print("\\n", time.perf_counter() - begin)
"""


@dataclass
class Row:
    """One package's figures."""

    name: str
    bytes: int
    zip_bytes: int
    right: int
    events: int
    error: str
    starts: list[float] = field(default_factory=list)

    @property
    def start(self) -> float:
        """Seconds, the least: other work on the machine only adds. 0 where it does not start."""
        return min(self.starts, default=0.0)


def main() -> None:
    """Measures each example and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    known = sorted({path.parent.name for path in EXAMPLES.glob("*/app.py")} - {BIG})
    parser.add_argument("examples", nargs="*", default=known)
    parser.add_argument("--runs", type=int, default=5, help="starts of each package")
    parser.add_argument("--out", type=Path, help="a table in Markdown is put behind what this file holds")
    options = parser.parse_args()
    for name in options.examples:
        rows = measured(name, options.runs)
        print(json.dumps({"example": name, "rows": [as_json(row, rows[0]) for row in rows]}, indent=1), flush=True)
        if options.out:
            with options.out.open("a") as out:
                out.write(table(name, rows))


def measured(name: str, runs: int) -> list[Row]:
    """Every package of an example: made, asked all events, and started in turn."""
    full = build(name, CACHE / name)
    events = tuple(json.loads(path.read_text()) for path in sorted((EXAMPLES / name / "events").glob("*.json")))
    python = runtime(CACHE / "runtime")
    with TemporaryDirectory(prefix="ldeploy-bench-", dir=CACHE) as place:
        shop = Workshop(full, events, Path(place), python)
        expected: list[Any] = []
        rows: list[tuple[Row, Variant]] = []
        for kind, make in shop.variants():
            variant = make()
            answers = shop.answers(variant.folder)
            expected = expected or answers
            rows.append((compared(kind, variant, answers, expected), variant))
        for _ in range(runs):
            for row, variant in rows:
                if row.error != "start":
                    row.starts.append(start(variant, python))
        return [row for row, _ in rows]


def compared(name: str, variant: Variant, answers: list[Any], expected: list[Any]) -> Row:
    """A package's sizes, and how many of its answers are those of the full one."""
    right = sum(one == other for one, other in zip(answers, expected, strict=False))
    wrong = [one for one, other in zip(answers, expected, strict=False) if one != other]
    error = str(wrong[0].get("errorType", "other")) if wrong and isinstance(wrong[0], dict) else ""
    failed = len(answers) == 1 < len(expected) and not right
    return Row(name, variant.bytes, variant.zip.stat().st_size, right, len(expected), "start" if failed else error)


def start(variant: Variant, python: str) -> float:
    """Seconds that the import of the handler's module takes, in a new process in which the runtime client is there."""
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*hidden(NO_SHARED_MEMORY, OWN_TMP), python, "-s", "-c", START, str(variant.folder)]
    done = subprocess.run(command, cwd=variant.folder, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def as_json(row: Row, full: Row) -> dict[str, Any]:
    """A row for other programs."""
    return {
        "package": row.name,
        "mb": round(row.bytes / 1e6, 1),
        "share": round(row.bytes / full.bytes, 3),
        "zip_mb": round(row.zip_bytes / 1e6, 1),
        "start_s": round(row.start, 3),
        "starts_s": [round(seconds, 3) for seconds in row.starts],
        "faster": round(full.start / row.start, 2) if row.start else None,
        "right": f"{row.right}/{row.events}",
        "error": row.error,
    }


def table(name: str, rows: list[Row]) -> str:
    """An example's rows in Markdown."""
    lines = []
    for row in (as_json(row, rows[0]) for row in rows):
        how = "all" if not row["error"] else f"{row['right']} ({row['error']})"
        begins = f"{row['start_s']:.2f} s | {row['faster']:.1f}" if row["start_s"] else "does not start |"
        sizes = f"{row['mb']:.1f} MB | {row['share']:.0%} | {row['zip_mb']:.1f} MB"
        lines.append(f"| {row['package']} | {sizes} | {begins} | {how} |")
    machine = f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
    return f"\n### {name}\n\n<!-- {time.strftime('%Y-%m-%d')}, {machine} -->\n\n{HEAD}\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
