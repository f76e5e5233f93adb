"""What a command does when nothing goes wrong: the calls it makes, and each state that the function passes through."""

from dataclasses import dataclass

from tests.faults.gateway import Script
from tests.faults.scenarios import RESTORE
from tests.faults.seen import Known, Seen, look
from tests.faults.world import Ended, World

CHANGES = ("lambda.Create", "lambda.Update", "lambda.Delete", "lambda.Publish", "iam.")


@dataclass(frozen=True)
class Reference:
    """One command at one station, undisturbed."""

    arguments: tuple[str, ...]
    code: int
    calls: tuple[str, ...]
    before: Seen | None
    after: Seen | None
    original: Seen | None
    """What restore leads to afterwards."""
    between: frozenset[Seen]
    """Without answers."""
    faults: tuple[str, ...] = ()
    """What was wrong although nothing was disturbed."""

    @property
    def codes(self) -> set[str]:
        """Every code that ``$LATEST`` may have."""
        return {seen.latest.code for seen in self._all()}

    @property
    def configurations(self) -> set[str]:
        """Every configuration that ``$LATEST`` may have."""
        return {seen.latest.configuration for seen in self._all()}

    def answers(self) -> dict[str, dict[str, set[str]]]:
        """Code -> event -> the answers that it may give."""
        found: dict[str, dict[str, set[str]]] = {}
        for seen in (self.before, self.after, self.original):
            for name, answer in seen.answers if seen else ():
                qualifier, event = name.split("/")
                for side in [side for where, side in (seen.sides if seen else ()) if where.startswith(qualifier)]:
                    found.setdefault(side.code, {}).setdefault(event, set()).add(answer)
        return found

    def known(self) -> Known:
        """Return what each side answers, where nothing but the function itself decides that."""
        found: Known = {}
        for seen in (self.before, self.after, self.original):
            if seen is None or seen.policies:
                continue
            for qualifier, side in seen.sides:
                mine = tuple(one for one in seen.answers if one[0].startswith(f"{qualifier}/"))
                if mine:
                    found[qualifier, side] = mine
        return found

    def _all(self) -> list[Seen]:
        return [seen for seen in (self.before, self.after, self.original, *self.between) if seen]


def refer(world: World, arguments: tuple[str, ...]) -> Reference:
    """Run a command, and ``restore`` after it, in a fork of the world."""
    return world.branch(lambda branch: _refer(branch, arguments))


def _refer(world: World, arguments: tuple[str, ...]) -> Reference:
    between: list[Seen] = []
    faults: list[str] = []

    def watch(call: str) -> None:
        if call.startswith(CHANGES) and (seen := look(world)):
            between.append(seen.silent)
            failed = [
                f"{name}: {answer}" for name, answer in seen.answers if answer.startswith(("failed", "no answer"))
            ]
            faults.extend(f"after {call} {one}" for one in failed)

    before = look(world)
    done = world.ldeploy(arguments, script=Script(after=watch))
    after = look(world)
    faults += complaints(done)
    restored = world.ldeploy(RESTORE)
    return Reference(
        arguments,
        done.code,
        done.calls,
        before,
        after,
        look(world),
        frozenset(between),
        tuple(faults + complaints(restored)),
    )


def complaints(done: Ended) -> list[str]:
    """Return what no command may ever say."""
    said = done.out + done.err
    return [f"it says {word!r}: {said[-1500:]}" for word in ("An internal error occurred", "Traceback") if word in said]
