#!/usr/bin/env python3
"""Runs the suites on each image that is there, one after another, and writes what came of it to docs/runtimes.md.

What came of an image and a suite is remembered beside the images until they are run again, so that a table can be made
of several runs, each with its date.
``--smoke`` runs a part of them, on a few images, and writes nothing.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from deployer.models.image import Architecture, images_folder, kept_image

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = "results.json"
PAGE: Final = ROOT / "docs/runtimes.md"
MARKS: Final = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- /table -->)", re.DOTALL)
SUITES: Final[Mapping[str, tuple[str, ...]]] = {
    "witnesses": ("tests/functional/suite",),
    "guard": tuple(f"tests/functional/test_guard_{name}.py" for name in ("askers", "loop", "faults")),
    "loops": ("tests/end_to_end/test_real_wheels.py",),
    "over the limit": (
        "tests/functional/test_guard_oversize.py",
        "tests/functional/test_oversize.py::test_the_whole_way_there_and_back",
        "tests/functional/test_oversize.py::test_what_is_needed_and_does_not_fit_is_packed_and_unpacked_at_start",
    ),
}
"""What runs on each image: the probe's witnesses against strace, the guard's, loops of real packages, and big ones."""
EMULATED: Final = {
    "witnesses": SUITES["witnesses"],
    "guard": ("tests/functional/test_guard_loop.py",),
    "loops": SUITES["loops"],
}
"""Of these under an emulator, where a cold start takes 6 to 10 s, and each first miss of the guard as long."""
SMOKE: Final[Mapping[str, tuple[str, ...]]] = {"witnesses": ("tests/functional/suite",)}
EMULATED_SMOKE: Final[Mapping[str, tuple[str, ...]]] = {"witnesses": ("tests/functional/suite/test_libraries.py",)}
"""Of the smoke set under an emulator."""
OWN: Final = "own"
"""Tests that take an image each, by themselves."""
FULL: Final = ("python3.9-x86_64", "python3.11-x86_64", "python3.13-x86_64", "python3.14-x86_64")
ARM64: Final = ("python3.11-arm64", "python3.13-arm64")
FEW: Final = ("python3.9-x86_64", "python3.13-x86_64", "python3.13-arm64")
LAMBDA: Final = {"python3.9": "2.26", "python3.10": "2.26", "python3.11": "2.26"}
"""Amazon Linux 2; later ones are on Amazon Linux 2023, with 2.34."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run of tests."""

    passed: int
    failed: int
    date: str

    def __str__(self) -> str:
        """Return a cell of the table."""
        return f"{self.passed} passed{f', **{self.failed} failed**' * bool(self.failed)} ({self.date})"


def main() -> int:
    """Run what was asked for; return 1 where a test failed, or where nothing was there to run on."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", metavar="NAME", help="images; all that are there without one")
    asked.add_argument("--suite", action="append", choices=[*SUITES, OWN], help="only that; repeatable")
    asked.add_argument("--smoke", action="store_true", help="a part of the tests, on a few images")
    given = asked.parse_args()
    names = given.names or (FEW if given.smoke else (*FULL, *ARM64))
    there = [name for name in names if is_there(name)]
    if not there:
        print(f"There is no image in {images_folder()}: run scripts/images.", file=sys.stderr)
        return 1
    wanted = given.suite or [*SUITES, OWN]
    found = [outcome for name in there for outcome in run_all(name, wanted, smoke=given.smoke)]
    if OWN in wanted:
        own = run({}, ("-m", "images and not network" if given.smoke else "images", "--all", "tests"))
        found.append(own if given.smoke else remembered(OWN, OWN, own))
    if not given.smoke:
        PAGE.write_text(MARKS.sub(lambda _: table(), PAGE.read_text()))
    return 1 if any(outcome.failed or not outcome.passed for outcome in found) else 0


def is_there(name: str) -> bool:
    """Return whether an image was made."""
    runtime, _, machine = name.partition("-")
    architecture: Architecture = "arm64" if machine == "arm64" else "x86_64"
    return kept_image(runtime, architecture) is not None


def run_all(name: str, wanted: Sequence[str], *, smoke: bool) -> Iterator[Outcome]:
    """Run each suite with an image."""
    emulated = name in ARM64
    suites = (EMULATED_SMOKE if emulated else SMOKE) if smoke else EMULATED if emulated else SUITES
    for suite, paths in suites.items():
        if suite in wanted:
            print(f"== {name}: {suite}", flush=True)
            outcome = run({"LDEPLOY_TEST_IMAGE": name}, paths)
            yield outcome if smoke else remembered(name, suite, outcome)


def remembered(name: str, suite: str, outcome: Outcome) -> Outcome:
    """Write down what came of a suite."""
    results = recall()
    results.setdefault(name, {})[suite] = outcome
    told = {name: {suite: asdict(outcome) for suite, outcome in each.items()} for name, each in results.items()}
    (images_folder() / RESULTS).write_text(json.dumps(told, indent=2) + "\n")
    return outcome


def recall() -> dict[str, dict[str, Outcome]]:
    """Return what came of the suites when they were last run."""
    file = images_folder() / RESULTS
    told = json.loads(file.read_text()) if file.exists() else {}
    return {name: {suite: Outcome(**outcome) for suite, outcome in each.items()} for name, each in told.items()}


def run(environment: Mapping[str, str], arguments: Sequence[str]) -> Outcome:
    """Run tests and count."""
    command = [sys.executable, "-m", "pytest", "-q", "--numprocesses=2", "--dist=worksteal", "-o", "timeout=600"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        subprocess.run(
            [*command, f"--junitxml={report}", *arguments],
            cwd=ROOT, env={**os.environ, **environment}, check=False,
        )  # fmt: skip
        suite = ElementTree.parse(report).getroot()[0] if report.exists() else ElementTree.Element("none")  # ours
    counts = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    failed = counts["failures"] + counts["errors"]
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Outcome(counts["tests"] - failed - counts["skipped"], failed, date)


# -- the table ---------------------------------------------------------------------------------------------------


def table() -> str:
    """Return the table of docs/runtimes.md."""
    found = recall()
    lines = ["| runtime | architecture | run | Python | glibc (Lambda's) | client | " + " | ".join(SUITES) + " |"]
    lines.append("| --- " * (6 + len(SUITES)) + "|")
    every = [(f"python3.{minor}", machine) for minor in range(9, 15) for machine in ("x86_64", "arm64")]
    lines += [row(runtime, machine, found.get(f"{runtime}-{machine}", {})) for runtime, machine in every]
    own = found.get(OWN, {}).get(OWN, "not run")
    lines.append(f"\nBy `scripts/images && scripts/test --images`. Tests that take an image by themselves: {own}.")
    return "\n".join(lines) + "\n"


def row(runtime: str, machine: str, found: Mapping[str, Outcome]) -> str:
    """Return one runtime and architecture."""
    wanted = LAMBDA.get(runtime, "2.34")
    description = images_folder() / f"{runtime}-{machine}" / "image.json"
    if not description.exists():
        return f"| {runtime} | {machine} | not at all | | ({wanted}) | |" + " |" * len(SUITES)
    held = json.loads(description.read_text())
    how = "natively" if machine == os.uname().machine else "emulated"
    versions = f"{held['python'].partition('-')[0]} | {held['glibc'].partition('-')[0]} ({wanted})"
    outcomes = " | ".join(str(found.get(suite, "not yet")) for suite in SUITES)
    return f"| {runtime} | {machine} | {how} | {versions} | {held['awslambdaric']} | {outcomes} |"


if __name__ == "__main__":
    sys.exit(main())
