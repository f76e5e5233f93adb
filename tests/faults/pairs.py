"""Two at once: all of one command between two calls of another; whoever says that it is done must be right."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.faults.gateway import Script
from tests.faults.reference import Reference, complaints
from tests.faults.scenarios import BUCKET, RESTORE
from tests.faults.seen import Seen, differences, look
from tests.faults.world import Ended, World

ASKED: Final = "The state in the bucket is not the one written here"


@dataclass(frozen=True)
class Pair:
    """One command, and another one from another machine at one of its calls."""

    scenario: str
    command: str
    call: int
    other: str

    def __str__(self) -> str:
        return f"{self.scenario}/{self.command}/{self.call}/meanwhile/{self.other}"


@dataclass(frozen=True)
class Both:
    """What two commands lead to, one after the other."""

    first: Reference
    second: Reference
    first_last: Seen | None
    """After the second and then the first."""
    second_last: Seen | None
    codes: frozenset[int]
    """With what either ends that comes last: it may know of too little evidence then."""


def both(world: World, first: Reference, second: Reference) -> Both:
    """Run two commands one after the other, both ways round, each in a fork of the world."""

    def mine(branch: World) -> int:
        return branch.ldeploy(first.arguments).code

    def theirs(branch: World) -> int:
        return branch.ldeploy(_there(second.arguments), folder=_elsewhere(branch)).code

    def after(*commands: Callable[[World], int]) -> tuple[Seen | None, int]:
        def work(branch: World) -> tuple[Seen | None, int]:
            codes = [command(branch) for command in commands]
            return look(branch), codes[-1]

        return world.branch(work)

    (first_last, first_code), (second_last, second_code) = after(theirs, mine), after(mine, theirs)
    return Both(first, second, first_last, second_last, frozenset({first_code, second_code}))


def run_pair(world: World, pair: Pair, known: Both) -> list[str]:
    """Run a pair in a world of its own; return what is wrong."""
    elsewhere = _elsewhere(world)
    during: list[tuple[Ended, Seen | None]] = []

    def meanwhile() -> None:
        ended = world.ldeploy(_there(known.second.arguments), folder=elsewhere)
        during.append((ended, look(world)))

    script = Script(pair.call, meanwhile=meanwhile)
    mine = world.ldeploy(known.first.arguments, script=script)
    if not during:
        return ["the call was not made"]
    theirs, then = during[0]
    found = look(world)
    wrong = [*complaints(mine), *complaints(theirs), *_check(known, (mine, found), (theirs, then))]
    wrong += _check_back(world, known)
    ends = f"\n      {pair.command}: exit {mine.code}: {mine.err.strip()[-500:]}"
    ends += f"\n      {pair.other}: exit {theirs.code}: {theirs.err.strip()[-500:]}"
    return [f"at {script.met}: {one}{ends}" for one in wrong]


def _check(known: Both, first: tuple[Ended, Seen | None], second: tuple[Ended, Seen | None]) -> Iterator[str]:
    (mine, found), (theirs, then) = first, second
    for name, ended in (("the first", mine), ("the second", theirs)):
        if ended.code not in {0, 1, 5, *known.codes}:
            yield f"{name} ends with {ended.code}"
    if theirs.code == 0 and not _is_one_of(then, known.second.after, known.second_last):
        yield f"the second is done, but {differences(then, known.second.after)}"
    last = (then,) if theirs.code == 0 else ()  # it came when the first had nothing more to change
    if mine.code == 0 and not _is_one_of(found, known.first.after, known.first_last, *last):
        yield f"the first is done, but {differences(found, known.first.after)}"
    if mine.code and theirs.code == 0 and not _is_one_of(found, then):
        yield f"only the second is done, and then {differences(found, then)}"
    if found and (failed := [answer for _, answer in found.answers if answer.startswith(("failed", "no answer"))]):
        yield f"the function does not answer: {failed[0]}"
    codes = known.first.codes | known.second.codes
    if found and found.latest.code not in codes:
        yield f"the code is nobody's: {found.latest.code[:8]}"


def _check_back(world: World, known: Both) -> Iterator[str]:
    back = world.ldeploy((*RESTORE, "--bucket", BUCKET))
    if ASKED in back.err:  # rightly: the other one wrote where restore leads, and nobody says that it was a colleague
        back = world.ldeploy((*RESTORE, "--bucket", BUCKET, "--force"))
    found = look(world)
    yield from complaints(back)
    if back.code:
        yield f"restore ends with {back.code}: {back.err.strip()[-400:]}"
    elif found not in {known.first.original, known.second.original}:
        yield f"restore leads elsewhere: {differences(found, known.first.original)}"


def _is_one_of(found: Seen | None, *wanted: Seen | None) -> bool:
    """Return whether code and configuration, everywhere, are as in one of these; a trial may be under way."""
    return any(_bare(found) == _bare(one) for one in wanted)


def _bare(seen: Seen | None) -> Seen | None:
    return replace(seen, trial=False, answers=()) if seen else None


def _there(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command as somebody gives it who has nothing of ldeploy's but the bucket."""
    named = "--bucket" in arguments or "--resolve-s3" in arguments
    return arguments if named else (*arguments, "--bucket", BUCKET)


def _elsewhere(world: World) -> Path:
    """Return a folder of somebody else, with the same builds."""
    folder = world.elsewhere
    for name in ("build", "fresh", "events"):
        shutil.copytree(world.folder / name, folder / name, dirs_exist_ok=True)
    return folder
