"""Chooses cases by a seed and runs them: each scenario once, each case in a fork of where its function stands."""

import os
import pickle
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path

from botocore.retries.bucket import TokenBucket

from tests.faults.cases import Case, Then, run_case
from tests.faults.gateway import Mishap
from tests.faults.pairs import Pair, both, run_pair
from tests.faults.reference import Reference, refer
from tests.faults.scenarios import BUCKET, CHANGING, PAIRED, SCENARIOS, Station
from tests.faults.seen import EVENTS
from tests.faults.world import SERVICES, ForkedAws, World
from tests.functional.descriptions import read_once
from tests.functional.local_aws import Cloud, client
from tests.functional.project import FILES, events, write

EACH = 15
"""Cases for each command that is among the chosen ones: finding out what a command does costs as much as a few."""


@dataclass(frozen=True)
class Wanted:
    """What is to be run."""

    scenarios: tuple[str, ...]
    cases: int
    interleavings: int
    seed: int
    only: str = ""
    """One case alone, as it is printed."""
    jobs: int = 1


@dataclass(frozen=True)
class Batch:
    """Cases of one command, or of two at once: which calls they make is not known before they are run."""

    scenario: str
    command: str
    count: int
    seed: int
    other: str = ""
    """The command that comes between."""
    only: Case | Pair | None = None

    def cases(self, calls: int) -> Sequence[Case | Pair]:
        """Return the chosen cases, each once, of a command that makes so many calls."""
        if self.only:
            return [self.only]
        drawn = random.Random(f"{self.seed} {self.scenario} {self.command} {self.other}")
        if self.other:
            pairs = [Pair(self.scenario, self.command, call, self.other) for call in range(calls)]
            return drawn.sample(pairs, min(self.count, len(pairs)))
        then = [one for one in Then if not (one is Then.RERUN and "canary" in self.command)]  # that takes a shift up
        every = product(range(calls), Mishap, then)
        cases = [Case(self.scenario, self.command, *one) for one in every]
        return drawn.sample(cases, min(self.count, len(cases)))


@dataclass
class Tally:
    """What came of the cases so far."""

    right: int = 0
    pairs: int = 0
    """Of these, two commands at once."""
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Count another one's too."""
        self.right += other.right
        self.pairs += other.pairs
        self.wrong |= other.wrong


def run(wanted: Wanted) -> Tally:
    """Run what is wanted, in as many processes as it says."""
    batches = [one_of(wanted.only)] if wanted.only else choose(wanted)
    shares = [batches[number :: wanted.jobs] for number in range(wanted.jobs)]
    tally = Tally()
    for worker, receiver in [_start(share) for share in shares if share]:
        with os.fdopen(receiver, "rb") as pipe:
            sent = pipe.read()
        os.waitpid(worker, 0)
        tally.add(pickle.loads(sent) if sent else Tally(wrong={"a worker": ["it died"]}))
    return tally


def choose(wanted: Wanted) -> list[Batch]:
    """Choose batches by the seed: of all commands where there are many cases, else of some."""
    drawn = random.Random(wanted.seed)
    commands = [
        (name, command, "")
        for name in wanted.scenarios
        for station in SCENARIOS[name].stations
        for command in station.commands
    ]
    pairs = [(name, *pair) for name in PAIRED if name in wanted.scenarios for pair in pairs_of(name)]
    batches = []
    for all_of_them, cases in ((commands, wanted.cases), (pairs, wanted.interleavings)):
        some = drawn.sample(all_of_them, min(len(all_of_them), -(-cases // EACH)))
        shares = [cases // len(some) + (number < cases % len(some)) for number in range(len(some))]
        batches += [
            Batch(name, command, share, wanted.seed, other)
            for (name, command, other), share in zip(some, shares, strict=True)
        ]
    return sorted(batches, key=lambda batch: (batch.scenario, batch.command))


def pairs_of(name: str) -> Iterator[tuple[str, str]]:
    """Yield any two commands that somebody may give at the same station of a scenario."""
    for station in SCENARIOS[name].stations:
        changing = [command for command in station.commands if station.commands[command][0] in CHANGING]
        yield from ((one, other) for one in changing for other in changing)


def one_of(text: str) -> Batch:
    """Return the case that was printed."""
    scenario, command, call, mishap, then = text.split("/")
    if mishap == "meanwhile":
        return Batch(scenario, command, 1, 0, then, Pair(scenario, command, int(call), then))
    return Batch(scenario, command, 1, 0, "", Case(scenario, command, int(call), Mishap(mishap), Then(then)))


def _start(batches: list[Batch]) -> tuple[int, int]:
    """Run cases in a process of their own; return that, and where its tally comes from."""
    receiver, sender = os.pipe()
    worker = os.fork()
    if not worker:
        os.close(receiver)
        tally = Tally()
        try:
            with world() as start:
                for name in dict.fromkeys(batch.scenario for batch in batches):
                    mine = [batch for batch in batches if batch.scenario == name]
                    tally.add(start.branch(partial(_scenario, mine), seconds=0))
        except Exception as error:
            tally.wrong["the suite"] = [f"{error}"]
            say(f"WRONG the suite: {error}")
        with os.fdopen(sender, "wb") as pipe:
            pipe.write(pickle.dumps(tally))
        os._exit(0)
    os.close(sender)
    return worker, receiver


@contextmanager
def world() -> Iterator[World]:
    """An AWS of its own, paused, with a user's folder."""
    read_once()
    setattr(TokenBucket, "_sleep_amount", lambda bucket, amount: 0)  # noqa: B010 - what is throttled is not waited for
    with tempfile.TemporaryDirectory(prefix="ldeploy-faults-") as name, ForkedAws(settle=0) as aws:
        folder = Path(name, "home")
        for place in ("build", "fresh"):
            write(folder / place, FILES)
        write(folder / "fresh", {"app.py": FILES["app.py"] + "# fresh\n"})
        events(folder / "events", **EVENTS)
        clients = [client(aws, service) for service in SERVICES]
        clients[1].create_bucket(Bucket=BUCKET)
        aws.pause()
        yield World(aws, folder, Cloud(aws, *clients))
        aws.go_on()


def _scenario(batches: list[Batch], here: World) -> Tally:
    """Lead a function from station to station; at each, disturb the commands that are given there."""
    tally, scenario = Tally(), SCENARIOS[batches[0].scenario]
    scenario.prepare(here)
    here.aws.pause()
    left = {batch.command for batch in batches}
    for station in scenario.stations:
        _station(here, station, [batch for batch in batches if batch.command in station.commands], tally)
        left -= station.commands.keys()
        if not (left and station.onward):
            break
        here.aws.go_on()
        here.ldeploy(station.onward)  # refused where a scenario is of what is refused
        here.aws.pause()
    return tally


def _station(here: World, station: Station, batches: list[Batch], tally: Tally) -> None:
    """Run the cases of one station."""
    needed = {batch.command for batch in batches} | {batch.other for batch in batches if batch.other}
    references = {command: refer(here, station.commands[command]) for command in sorted(needed)}
    for command, reference in references.items():
        if reference.faults:
            tally.wrong[f"{batches[0].scenario}/{command} undisturbed"] = list(reference.faults)
    for batch in batches:
        _batch(here, batch, references, tally)


def _batch(here: World, batch: Batch, references: dict[str, Reference], tally: Tally) -> None:
    """Run the cases of one command, or of two at once."""
    reference = references[batch.command]
    known = both(here, reference, references[batch.other]) if batch.other else None
    for case in batch.cases(len(reference.calls)):

        def work(branch: World, case: Case | Pair = case) -> list[str]:
            if isinstance(case, Pair):
                return run_pair(branch, case, known) if known else []
            return run_case(branch, case, reference)

        _one(here, case, work, tally)


def _one(here: World, case: Case | Pair, work: Callable[[World], list[str]], tally: Tally) -> None:
    began = time.monotonic()
    try:
        wrong = here.branch(work)
    except RuntimeError as error:
        wrong = [f"{error}"]
    if os.environ.get("LDEPLOY_FAULTS_TIMES"):
        say(f"{time.monotonic() - began:6.2f} s {case}")
    if wrong:
        tally.wrong[str(case)] = wrong
        say(f"WRONG {case}\n    " + "\n    ".join(wrong))
    else:
        tally.right += 1
        tally.pairs += isinstance(case, Pair)


def say(text: str) -> None:
    """Tell whoever waits, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
