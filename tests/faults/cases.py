"""One case: a command, the call of it that is disturbed, how, and what is done afterwards; and what must then be so."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from deployer.local.needs import action_of
from tests.faults.gateway import DOWNLOAD, Mishap, Script
from tests.faults.reference import Reference, complaints
from tests.faults.scenarios import BUCKET, RESTORE
from tests.faults.seen import Known, Seen, differences, look
from tests.faults.world import Ended, World

UNTRUE: Final = re.compile(
    r"(?i)(some(body|thing) else|another ldeploy|meanwhile|removed or replaced|was replaced|was changed while)"
)
"""Nobody else is at work here, so none of this may be said."""
BACK: Final = re.compile(r"(the package before (is back|stays)|nothing was changed)", re.IGNORECASE)
SHIFTED: Final = "is being shifted: it is"
"""No traffic is, any more: the first run ended the shift."""
NOTHING_KNOWN: Final = ("Nothing is known of", "There is no function", "Function not found", "There is no bucket")


class Then(StrEnum):
    """What the user does afterwards."""

    RERUN = "rerun"
    RESTORE = "restore"
    ELSEWHERE = "restore-elsewhere"


@dataclass(frozen=True)
class Case:
    """One of them; its text is what ``scripts/faults --case`` takes."""

    scenario: str
    command: str
    call: int
    mishap: Mishap
    then: Then

    def __str__(self) -> str:
        return f"{self.scenario}/{self.command}/{self.call}/{self.mishap}/{self.then}"


def run_case(world: World, case: Case, reference: Reference) -> list[str]:
    """Run a case in a world of its own; return what is wrong."""
    script = Script(case.call, case.mishap)
    own = reference.calls[case.call].startswith("s3.")  # a lease that stays is known by its process, which must end
    done = world.ldeploy(reference.arguments, script=script, own=own)
    known = {} if case.scenario == "over-limit" else reference.known()
    seen = look(world, known)
    wrong = complaints(done)
    if not script.met:
        return [*wrong, "the call was not made"]
    wrong += [f"at {script.met}: {one}" for one in check_end(case, reference, done, seen, script.met)]
    wrong += check_state(reference, seen)
    wrong += _check_status(world, seen, reference)
    if own or not script.met.startswith(
        "s3."
    ):  # else a lease renewed meanwhile moved the calls: its process is this one
        wrong += _check_then(world, case, reference, seen, known)
    return [f"{one}\n      exit {done.code}: {done.err.strip()[-700:]}" for one in wrong]


def check_end(case: Case, reference: Reference, done: Ended, seen: Seen | None, met: str) -> Iterator[str]:
    """Yield what is not true of what the command said, and how it ended."""
    if case.mishap.kills:
        if done.code != -9:
            yield f"it was to be killed and ended with {done.code}"
        return
    if done.code not in {0, 1, 5, reference.code}:
        yield f"exit code {done.code}"
    if untrue := UNTRUE.search(done.err):
        yield f"it says {untrue[0]!r}, and nobody was"
    if done.code == 0 and reference.code == 0 and seen != reference.after:
        yield f"it is done, but {differences(seen, reference.after)}"
    if BACK.search(done.err) and seen != reference.before:
        yield f"it says that all is back, but {differences(seen, reference.before)}"
    if done.code and not re.search(r"^ldeploy: .+", done.err, re.MULTILINE):
        yield "it failed and does not say why"
    if case.mishap is Mishap.DENIED and done.code == 1 and met != DOWNLOAD:
        permission = action_of(met)
        if permission not in done.err + done.out:  # doctor reports it
            yield f"the permission {permission} is missing and is not named"


def check_state(reference: Reference, seen: Seen | None) -> Iterator[str]:
    """Yield where the function is neither the old nor the new, or does not answer."""
    if seen is None:
        if reference.before is not None:
            yield "the function is gone"
        return
    if seen.latest.code not in reference.codes:
        yield f"the code is neither the old nor the new: {seen.latest.code[:8]}"
    if seen.latest.configuration not in reference.configurations:
        nearest = reference.after or seen
        yield f"the configuration is neither the old nor the new: {differences(seen, nearest)}"
    allowed = reference.answers()
    for name, answer in seen.answers:
        qualifier, event = name.split("/")
        sides = [side for where, side in seen.sides if where.startswith(qualifier)]
        known = set().union(*(allowed.get(side.code, {}).get(event, set()) for side in sides))
        if answer not in known:
            yield f"{name} answers {answer} in the place of {sorted(known)}"


def _check_status(world: World, seen: Seen | None, reference: Reference) -> Iterator[str]:
    """Yield where ``status`` does not say what is deployed."""
    told = world.ldeploy(("status", "f", "--output", "json"))
    yield from complaints(told)
    if told.code and not any(known in told.err for known in NOTHING_KNOWN):
        yield f"status fails: {told.err.strip()}"
    if told.code == 0 and seen and reference.code == 0 and f'"sha256": "{seen.latest.code}"' not in told.out:
        yield "status tells of another code"
    if told.code == 0 and '"deployed": "other"' in told.out:
        yield "status says that somebody else's code is deployed"


def _check_then(world: World, case: Case, reference: Reference, seen: Seen | None, known: Known) -> Iterator[str]:
    """Yield where rerun or restore does not lead where it must."""
    wanted, expected = reference.original, 0
    bucket = ("--resolve-s3",) if case.scenario == "own-bucket" else ("--bucket", BUCKET)
    match case.then:
        case Then.RERUN:
            again = world.ldeploy(reference.arguments)
            wanted, expected = reference.after, reference.code
        case Then.RESTORE:
            again = world.ldeploy(RESTORE)
        case Then.ELSEWHERE:
            again = world.ldeploy((*RESTORE, *bucket), folder=world.elsewhere)
    found = look(world, known)
    yield from complaints(again)
    unknown = case.then is not Then.RERUN and any(known in again.err for known in NOTHING_KNOWN)
    if unknown and found == reference.before == seen:
        return
    if SHIFTED in again.err and found == wanted:
        return
    if again.code != expected:
        yield f"then {case.then} ends with {again.code}: {again.err.strip()[-500:]}"
    elif found != wanted:
        yield f"{case.then} leads elsewhere: {differences(found, wanted)}"
    if UNTRUE.search(again.err):
        yield f"then {case.then} says: {again.err.strip()[-300:]}"
