"""What the probe costs: cold starts and warm invocations of ``examples/tiles``, with and without, strace beside it; and
what a child process and a ``deepcopy`` of 20,000 small objects take in a handler. Warm invocations are taken of a third
function too: without the probe, it prints one line as long as the probe's.

Prints one JSON object: milliseconds (medians), differences and ratios. Runs are taken in turn, each cold one in a
sandbox of its own: figures are Lambda's own Init Duration and Duration, as the REPORT line gives them, and within a
handler its own clock's.
"""

import argparse
import base64
import json
import re
import statistics
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3

from deployer.instrumentation.configure import arm
from deployer.instrumentation.layer_zip import build_layer
from deployer.local import LocalAws
from deployer.models.function import Configuration
from deployer.package.folder import pack_folder
from examples.build import build

CACHE = Path(__file__).parents[1] / ".bench"
ROLE = "arn:aws:iam::123456789012:role/bench"
EVENT = b'{"do": "outline"}'
STRACE = ("strace", "-f", "-qq", "-e", "trace=file", "-o", "{sandbox}/trace")
SMALL = """
import copy, subprocess, time

DATA = [[number, number + 1] for number in range(20_000)]
WORK = {"child": lambda: subprocess.run(["/bin/true"], check=True), "deepcopy": lambda: copy.deepcopy(DATA)}

def handler(event, context):
    begin = time.perf_counter()
    WORK[event]()
    return (time.perf_counter() - begin) * 1000
"""
PRINTING = f"""
import app

def handler(event, context):
    answer = app.handler(event, context)
    print("{"x" * 314}")
    return answer
"""
REPORT = re.compile(r"\bDuration: ([\d.]+) ms.*?(?:Init Duration: ([\d.]+) ms|$)", re.DOTALL)


def main() -> None:
    """Takes all runs and prints the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("--cold", type=int, default=15, help="cold starts of each kind")
    options.add_argument("--warm", type=int, default=300, help="warm invocations of each kind")
    options.add_argument("--within", type=int, default=60, help="child processes and copies of each kind")
    chosen = options.parse_args()
    package = CACHE / "tiles.zip"
    pack_folder(build("tiles", CACHE / "tiles"), package)
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("printing.py", PRINTING)
    with LocalAws(settle=0) as aws:
        within = Bench(aws, small_package()).within(chosen.within)
    with LocalAws(settle=0) as aws:
        functions = Bench(aws, package)
        cold = functions.cold(("without", "with"), chosen.cold)
        warm = functions.warm(("without", "with", "line"), chosen.warm)
    with tempfile.TemporaryDirectory() as traces, LocalAws(settle=0, prefix=STRACE, traces=Path(traces)) as aws:
        traced = Bench(aws, package)
        cold |= {"strace": traced.cold(("without",), max(3, chosen.cold // 3))["without"]}
        warm |= {"strace": traced.warm(("without",), chosen.warm // 3)["without"]}
    found = {"cold_start_ms": figures(cold), "warm_invocation_ms": figures(warm)}
    found |= {f"{work}_ms": figures(taken) for work, taken in within.items()}
    print(json.dumps(found, indent=2))


def small_package() -> Path:
    """A function of one file."""
    folder = CACHE / "small"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(SMALL)
    pack_folder(folder, CACHE / "small.zip")
    return CACHE / "small.zip"


def figures(taken: dict[str, list[float]]) -> dict[str, Any]:
    """Medians; what the probe adds, as the median of pairs that were taken in turn; what a line and strace add."""
    pairs = list(zip(taken["with"], taken["without"], strict=True))
    medians = {kind: statistics.median(values) for kind, values in taken.items()}
    bare = medians["without"]
    return {
        "runs": {kind: len(values) for kind, values in taken.items()},
        "median": {kind: round(value, 2) for kind, value in medians.items()},
        "least": {kind: round(min(values), 2) for kind, values in taken.items()},
        "probe_adds": round(statistics.median(one - other for one, other in pairs), 2),
        "probe_ratio": round(statistics.median(one / other for one, other in pairs), 3),
        **{f"{kind}_adds": round(medians[kind] - bare, 2) for kind in ("line", "strace") if kind in medians},
    }


class Bench:
    """The same function on one embedded AWS: without the probe, with it, and with a line that it prints itself."""

    def __init__(self, aws: LocalAws, package: Path) -> None:
        environment = aws.environment({})
        session = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        self._lambda = session.client("lambda", endpoint_url=aws.endpoint_url)
        storage = session.client("s3", endpoint_url=aws.endpoint_url)
        storage.create_bucket(Bucket="bench")
        storage.upload_file(str(package), "bench", package.name)
        published = self._lambda.publish_layer_version(LayerName="ldeploy-probe", Content={"ZipFile": build_layer()})
        bare = Configuration(f"python3.{sys.version_info.minor}", "app.handler", ROLE)
        armed = arm(bare, published["LayerVersionArn"], "0" * 16)
        line = replace(bare, handler="printing.handler")
        self._configurations = {"without": bare, "with": armed, "line": line}
        for name, configuration in self._configurations.items():
            settings: dict[str, Any] = {
                "Runtime": configuration.runtime,
                "Handler": configuration.handler,
                "Environment": {"Variables": dict(configuration.environment)},
                "Layers": list(configuration.layers),
            }
            settings["Code"] = {"S3Bucket": "bench", "S3Key": package.name}
            self._lambda.create_function(FunctionName=name, Role=ROLE, Timeout=120, MemorySize=2048, **settings)
            self._ready(name)

    def cold(self, kinds: tuple[str, ...], runs: int) -> dict[str, list[float]]:
        """Init Durations, the kinds in turn, after one round that is not counted."""
        return self._taken(kinds, self._cold, runs + 1, skip=1)

    def warm(self, kinds: tuple[str, ...], runs: int) -> dict[str, list[float]]:
        """Durations of warm invocations, the kinds in turn, after five rounds that are not counted."""
        return self._taken(kinds, lambda kind, _: self._invoke(kind)[0], runs + 5, skip=5)

    def within(self, runs: int) -> dict[str, dict[str, list[float]]]:
        """What the handler of SMALL took for each kind of work, in milliseconds."""
        both = ("without", "with")
        return {
            work: self._taken(both, lambda kind, _, work=work: self._answer(kind, work), runs + 5, skip=5)
            for work in ("child", "deepcopy")
        }

    def _answer(self, kind: str, event: str) -> float:
        reply = self._lambda.invoke(FunctionName=kind, Payload=json.dumps(event).encode())
        return float(json.loads(reply["Payload"].read()))

    def _taken(self, kinds: tuple[str, ...], run: Any, runs: int, skip: int) -> dict[str, list[float]]:
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        for number in range(runs):
            for kind in kinds:
                taken[kind].append(run(kind, number))
        return {kind: values[skip:] for kind, values in taken.items()}

    def _cold(self, kind: str, number: int) -> float:
        environment = {**self._configurations[kind].environment, "RUN": str(number)}
        self._lambda.update_function_configuration(FunctionName=kind, Environment={"Variables": environment})
        self._ready(kind)
        return self._invoke(kind)[1]

    def _ready(self, kind: str) -> None:
        while True:
            found = self._lambda.get_function_configuration(FunctionName=kind)
            if found["State"] == "Active" and found["LastUpdateStatus"] == "Successful":
                return

    def _invoke(self, kind: str) -> tuple[float, float]:
        """(Duration, Init Duration), milliseconds; the latter 0 where the sandbox was warm."""
        reply = self._lambda.invoke(FunctionName=kind, Payload=EVENT, LogType="Tail")
        if reply.get("FunctionError"):
            raise SystemExit(reply["Payload"].read().decode())
        tail = base64.b64decode(reply["LogResult"]).decode()
        found = REPORT.search(tail[tail.rindex("REPORT") :])
        if found is None:
            raise SystemExit(tail)
        return float(found[1]), float(found[2] or 0)


if __name__ == "__main__":
    main()
