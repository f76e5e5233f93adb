"""A random hundred of what ``scripts/faults`` runs, others each time; and that it sees what is wrong."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.faults.cases import Case, Then, check_end, check_state
from tests.faults.gateway import Mishap
from tests.faults.reference import Reference
from tests.faults.seen import Seen, Side, differences
from tests.faults.world import Ended

OLD = Seen((("$LATEST", Side("a" * 64, '{"MemorySize": 128}')),), (), trial=False)
NEW = Seen((("$LATEST", Side("b" * 64, '{"MemorySize": 256}')),), ("ours",), trial=True)
ROOT = Path(__file__).parents[2]


def faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: there the limits of Lambda are small."""
    command = [sys.executable, "-m", "tests.faults", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_hundred_random_faults_end_right(record_property):
    seed = random.SystemRandom().randrange(1 << 32)
    record_property("told", f"scripts/faults --cases 90 --interleavings 10 --seed {seed}")
    done = faults("--cases", "90", "--interleavings", "10", "--seed", str(seed))
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_does_not_end_right_is_noticed():
    case = Case("plain", "shrink", 0, Mishap.DENIED, Then.RERUN)
    reference = Reference(("shrink", "f"), 0, ("lambda.GetFunction",), OLD, NEW, OLD, frozenset(), ())
    silent = Ended(1, "", "ldeploy: Somebody else changed it.")
    assert [one.split(",")[0] for one in check_end(case, reference, silent, OLD, "lambda.GetFunction")] == [
        "it says 'Somebody else'",
        "the permission lambda:GetFunction is missing and is not named",
    ]
    assert next(check_end(case, reference, Ended(0, "", ""), OLD, "s3.PutObject")).startswith("it is done, but")
    assert next(check_state(reference, replace(OLD, sides=(("$LATEST", Side("c" * 64, "{}")),)))).startswith("the code")
    assert next(check_state(reference, replace(OLD, answers=(("$LATEST/open", "failed: no"),)))).startswith("$LATEST")
    assert not list(check_state(reference, NEW))


def test_what_kills_and_what_passes_is_known():
    assert [mishap for mishap in Mishap if mishap.kills] == [Mishap.KILLED_BEFORE, Mishap.KILLED_AFTER]
    assert not [mishap for mishap in Mishap if mishap.once and mishap.kills]


def test_differences_between_two_states_are_said():
    told = differences(NEW, OLD)
    assert all(text in told for text in ("bbbbbbbb", "MemorySize 128 -> 256", "ours", "the trial is there"))
    assert (differences(OLD, OLD), differences(None, OLD)) == ("", "there is no function")
