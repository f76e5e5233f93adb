"""Run commands while AWS fails at their calls, and two commands at once; print what is wrong, to be run again."""

import argparse
import os
import random
import sys
import time

from deployer import limits

SMALL = 3_000_000
"""Bytes that Lambda takes unzipped, here: packages over the limit stay small."""
setattr(limits, "UNZIPPED", SMALL)  # noqa: B010 - before anything takes the limit from there

from tests.faults import suite  # noqa: E402
from tests.faults.scenarios import SCENARIOS  # noqa: E402


def main() -> int:
    """Run what is asked for; return 1 where something is wrong."""
    asked = _arguments()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1 << 32)
    wanted = suite.Wanted(
        tuple(asked.scenario or SCENARIOS), asked.cases, asked.interleavings, seed, asked.case or "", asked.jobs
    )
    began = time.monotonic()
    tally = suite.run(wanted)
    total = tally.right + len(tally.wrong)
    what = f"{tally.right:,} of {total:,} right, {tally.pairs:,} of them two commands at once"
    suite.say(f"seed {seed}: {what}, in {time.monotonic() - began:.0f} s")
    for name in tally.wrong:
        suite.say(f"again: scripts/faults --case '{name}'")
    return 1 if tally.wrong or not total else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--cases", type=int, default=1500, help="how many faults [1500]; 0 for none")
    parser.add_argument("--interleavings", type=int, default=200, help="how many pairs of commands at once [200]")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; repeatable")
    parser.add_argument("--seed", type=int, help="of the choice [another one each time]")
    parser.add_argument("--case", help="this one alone, as it is printed where it is wrong")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side [one a core]")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
