"""How long the command line takes to show its help, each command's too: as a multiple of the bare interpreter.

python scripts/bench_cli.py [ROUNDS]
"""

import json
import resource
import subprocess
import sys
import time
from statistics import median

from deployer.cli import COMMANDS as NAMES

COMMANDS: dict[str, tuple[str, ...]] = {
    "bare interpreter": (),
    "ldeploy --version": ("--version",),
    "ldeploy --help": ("--help",),
    **{f"ldeploy {name} --help": (name, "--help") for name in NAMES},
}
RUN = "from deployer.cli import main; main()"


def milliseconds(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Return how long one start takes, by the clock and of a processor."""
    code = (sys.executable, "-c", RUN, *arguments) if arguments else (sys.executable, "-c", "pass")
    began, used = time.perf_counter(), _processor()
    subprocess.run(code, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - began), 1000 * (_processor() - used)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Take turns, so that what else the machine does falls on all alike."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else 15
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            taken[name].append(milliseconds(arguments))
    medians = {name: tuple(map(median, zip(*times, strict=True))) for name, times in taken.items()}
    _, bare = medians["bare interpreter"]
    rows = {
        name: {"ms": round(clock, 1), "processor_ms": round(used, 1), "times_bare": round(used / bare, 1)}
        for name, (clock, used) in medians.items()
    }
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
