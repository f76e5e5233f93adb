"""How long the command line takes to show its help: as a multiple of the bare interpreter, on the same machine.

python scripts/bench_cli.py [ROUNDS]
"""

import json
import subprocess
import sys
import time
from statistics import median

COMMANDS = {
    "bare interpreter": (),
    "ldeploy --help": ("--help",),
    "ldeploy probe --help": ("probe", "--help"),
    "ldeploy --version": ("--version",),
}
RUN = "from deployer.cli import main; main()"


def milliseconds(arguments: tuple[str, ...]) -> float:
    """Return how long one start takes."""
    code = (sys.executable, "-c", RUN, *arguments) if arguments else (sys.executable, "-c", "pass")
    began = time.perf_counter()
    subprocess.run(code, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Take turns, so that what else the machine does falls on all alike."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else 15
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            taken[name].append(milliseconds(arguments))
    medians = {name: median(times) for name, times in taken.items()}
    bare = medians["bare interpreter"]
    rows = {name: {"ms": round(each, 1), "times_bare": round(each / bare, 1)} for name, each in medians.items()}
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
