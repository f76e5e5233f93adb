"""What the guard costs: starts and invocations of a guarded package beside the same package without it, and a miss.

    scripts/bench guard [EXAMPLE] [--starts N] [--misses N]

The packages run on an AWS on this machine, each start in a sandbox of its own and all packages in turn. Processor time
and memory are the runtime's own, by getrusage after the first invocation; a miss is the time of a statement in the
handler, less that in the full package. Prints one JSON object; figures are medians.
"""

import argparse
import json
import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench_packages import RUNTIME, Workshop, runtime

from deployer.instrumentation.manifest import InBucket
from deployer.models.settings import Guarding
from deployer.package import index, open_file, pack_folder
from deployer.slim import Settings, recipe, write_slim
from deployer.slim.guard import Guarded, GuardRequest, guard
from examples.build import HERE as EXAMPLES
from examples.build import build
from probe_layer.guard.line import Line, decode
from tests.functional.local_aws import Cloud, cloud

CACHE = Path(__file__).parents[1] / ".bench"
BUCKET = "bench"
WRAPPER = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/.ldeploy/start"}
OWN = "/var/task/own.sh"
MODULES = 200
SIZE = 100_000
"""Bytes of the module of which one miss is measured."""
EACH = 8_000
"""Bytes of each of the 200."""
HANDLER = """
import importlib, resource, time
import function

def handler(event, context):
    if "load" in event:
        begin = time.perf_counter()
        importlib.import_module(event["load"])
        return (time.perf_counter() - begin) * 1000
    if "read" in event:
        begin = time.perf_counter()
        with open("/var/task/" + event["read"], "rb") as file:
            file.read()
        return (time.perf_counter() - begin) * 1000
    begin = time.process_time()
    function.handler(event["event"], context)
    took = (time.process_time() - begin) * 1000
    used = resource.getrusage(resource.RUSAGE_SELF)
    return [(used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss, took]
"""
KINDS = ("slim", "inside", "s3", "inside behind a wrapper", "slim behind a wrapper")


@dataclass(frozen=True)
class Bench:
    """Functions of several packages on one AWS."""

    cloud: Cloud
    event: Any
    made: dict[str, Guarded]
    slim_zip: int
    """Bytes."""

    def create(self, kind: str) -> None:
        """A function: ``inside behind a wrapper`` is of the package ``inside``, with a wrapper of the user's own."""
        package, _, behind = kind.partition(" ")
        variables = dict(WRAPPER) if package in self.made else {}
        if behind:
            variables["LDEPLOY_WRAPPER" if variables else "AWS_LAMBDA_EXEC_WRAPPER"] = OWN
        settings = {"MemorySize": 2048, "Timeout": 120}
        code = {"S3Bucket": BUCKET, "S3Key": f"{package}.zip"}
        self.cloud.create(name_of(kind), "", Code=code, Environment={"Variables": variables}, **settings)

    def anew(self, kind: str, number: int) -> None:
        """The next invocation is a cold start."""
        name = name_of(kind)
        found = self.cloud.functions.get_function_configuration(FunctionName=name)
        variables = {**found.get("Environment", {}).get("Variables", {}), "RUN": str(number)}
        self.cloud.functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        self.cloud.settle(name)

    def ask(self, kind: str, event: Any) -> Any:
        """One invocation."""
        result = self.cloud.invoke(name_of(kind), event)
        if result.error:
            raise SystemExit(f"{kind}: {result.value}")
        return result.value

    def said(self, kind: str) -> list[Line]:
        """What the guard has said."""
        return [line for message in self.cloud.messages(name_of(kind)) if (line := decode(message))]


def main() -> None:
    """Takes all runs and prints the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("example", nargs="?", default="tiles")
    options.add_argument("--starts", type=int, default=25, help="cold starts of each package")
    options.add_argument("--misses", type=int, default=15, help="misses of each kind")
    chosen = options.parse_args()
    with prepared(chosen.example) as bench:
        found = {
            "example": chosen.example,
            "zip": {kind: sizes(made, bench.slim_zip) for kind, made in bench.made.items()},
            "no_miss": starts(bench, chosen.starts),
            "miss_ms": misses(bench, chosen.misses),
            "package_of_200_modules": fetches(bench),
        }
    print(json.dumps(found, indent=2))


@contextmanager
def prepared(example: str) -> Iterator[Bench]:
    """The example's packages: in full, slim by the first of its events, and that guarded in both ways."""
    full = build(example, CACHE / example)
    events = tuple(json.loads(path.read_text()) for path in sorted((EXAMPLES / example / "events").glob("*.json")))
    with TemporaryDirectory(prefix="ldeploy-bench-", dir=CACHE) as place, cloud(settle=0) as here:
        folder = with_extras(full, Path(place) / "package")
        workshop = Workshop(folder, ({"event": events[0]},), Path(place), runtime(CACHE / "runtime"))
        pack_folder(folder, Path(place) / "full.zip")
        made, slim_zip = packages(here, workshop, Path(place))
        bench = Bench(here, {"event": events[0]}, made, slim_zip)
        for kind in ("full", *KINDS):
            bench.create(kind)
        yield bench


def with_extras(full: Path, folder: Path) -> Path:
    """The package, with our handler, a module of 100 KB, a package of 200 modules, and a wrapper."""
    shutil.copytree(full, folder, symlinks=True, copy_function=os.link)
    (folder / "app.py").rename(folder / "function.py")
    (folder / "app.py").write_text(HANDLER)
    (folder / "own.sh").write_text('#!/bin/sh\nexec "$@"\n')
    (folder / "own.sh").chmod(0o755)
    names = [f"module_{number}" for number in range(MODULES)]
    write(folder / "one", {"__init__": "", "module": cut("VALUE_{0} = {0}\n", SIZE)})
    write(folder / "many", {name: cut("def function_{0}(x):\n    return x + {0}\n", EACH) for name in names})
    write(folder / "many", {"__init__": "".join(f"from many import {name}\n" for name in names)})
    return folder


def write(folder: Path, modules: dict[str, str]) -> None:
    """Modules of a package."""
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


def cut(line: str, size: int) -> str:
    """As many lines as that many characters hold."""
    return "".join(line.format(number) for number in range(size // len(line.format(1000))))


def packages(here: Cloud, workshop: Workshop, place: Path) -> tuple[dict[str, Guarded], int]:
    """Puts the packages into a bucket; how they are guarded, and the bytes of the slim zip."""
    here.storage.create_bucket(Bucket=BUCKET)
    package, whitelist = workshop.chosen("own.sh")
    full, slim = place / "full.zip", place / "slim.zip"
    here.storage.upload_file(str(full), BUCKET, "full.zip")
    etag = here.storage.head_object(Bucket=BUCKET, Key="full.zip")["ETag"]
    where = InBucket(BUCKET, "full.zip", etag, full.stat().st_size, "us-east-1")
    made = {}
    with open_file(full) as source:
        settings = Settings(guard=Guarding.INSIDE)
        write_slim(source, package, recipe(package, whitelist, settings, RUNTIME), slim)
        for kind, bucket in (("inside", None), ("s3", where)):
            out = place / f"{kind}.zip"
            made[kind] = guard(slim, source, index(source), GuardRequest(bucket, (os.uname().machine,)), out)
            here.storage.upload_file(str(out), BUCKET, out.name)
    here.storage.upload_file(str(slim), BUCKET, "slim.zip")
    return made, slim.stat().st_size


# -- figures ---------------------------------------------------------------------------------------------------------


def sizes(made: Guarded, slim_zip: int) -> dict[str, Any]:
    """What the guard adds to the zip."""
    added = made.measure.zip_bytes - slim_zip
    return {
        "slim": slim_zip,
        "added": added,
        "share": round(added / slim_zip, 4),
        "dropped_files": made.files,
        "links": made.links,
    }


def starts(bench: Bench, runs: int) -> dict[str, Any]:
    """Cold starts with an event for which all is there, after one round that is not counted; and warm invocations."""
    taken: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    warm: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(runs + 1):
        for kind in KINDS:
            bench.anew(kind, number)
            taken[kind].append(bench.ask(kind, bench.event))
            warm[kind] += [bench.ask(kind, bench.event)[2] for _ in range(3)]
    if said := [line for kind in KINDS for line in bench.said(kind)]:
        raise SystemExit(f"there should be no miss: {said[0]}")
    return {kind: start(taken[kind][1:], warm[kind][3:]) for kind in KINDS}


def start(taken: list[list[float]], warm: list[float]) -> dict[str, float]:
    """Medians, and the least, to which other work on the machine adds nothing."""
    processor, memory, _ = zip(*taken, strict=True)
    return {
        "processor_ms": round(statistics.median(processor), 1),
        "processor_least_ms": round(min(processor), 1),
        "memory_kb": round(statistics.median(memory)),
        "warm_processor_ms": round(statistics.median(warm), 2),
    }


def misses(bench: Bench, runs: int) -> dict[str, Any]:
    """What importing a module of 100 KB and reading it take, each in a new sandbox."""
    kinds, events = ("full", "inside", "s3"), ({"load": "one.module"}, {"read": "one/module.py"})
    taken: dict[str, list[float]] = {f"{what} {kind}": [] for event in events for what in event for kind in kinds}
    for number in range(runs + 1):
        for event in events:
            for kind in kinds:
                bench.anew(kind, number)
                taken[f"{next(iter(event))} {kind}"].append(bench.ask(kind, event))
    return {what: round(statistics.median(values[1:]), 1) for what, values in taken.items()}


def fetches(bench: Bench) -> dict[str, Any]:
    """How often something is fetched for a package of 200 modules, all of which are imported."""
    found: dict[str, Any] = {}
    for kind in ("inside", "s3"):
        bench.anew(kind, MODULES)
        before = len(bench.said(kind))
        took = bench.ask(kind, {"load": "many"})
        said = bench.said(kind)[before:]
        fetched = [line for line in said if line.how == "fetched"]
        found[kind] = {"ms": round(took), "misses": len(said), "fetches": len(fetched)}
    return found


def name_of(kind: str) -> str:
    """A function's name."""
    return kind.replace(" ", "-")


if __name__ == "__main__":
    main()
