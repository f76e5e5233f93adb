"""What anyone can see of a function: code, configuration, aliases, policies, answers; without what is new each time."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from deployer.deploy.trial import trial_name
from deployer.instrumentation.layer_zip import PACKAGE_VARIABLE
from tests.faults.world import World
from tests.functional.local_aws import ROLE, client

NAME: Final = "f"
EVENTS: Final[dict[str, dict[str, str]]] = {"open": {}, "lazy": {"do": "lazy"}, "look": {"do": "look"}}
_PASSING: Final = frozenset(
    (
        *("FunctionArn", "LastModified", "RevisionId", "Version", "Description", "ResponseMetadata", "CodeSha256"),
        *("State", "LastUpdateStatus", "CodeSize", "SnapStart"),
    )
)
_NONCE: Final = re.compile(r"-[0-9a-f]{16}$")
_LAYER: Final = re.compile(r"(:layer:ldeploy-[^:]*):[0-9]+$")
"""A layer whose answer was lost is published once more: each of these versions holds the same."""


@dataclass(frozen=True)
class Side:
    """One thing that answers: ``$LATEST``, or what an alias leads to."""

    code: str
    configuration: str
    """As JSON."""


@dataclass(frozen=True)
class Seen:
    """A function at one moment."""

    sides: tuple[tuple[str, Side], ...]
    """Qualifier -> what answers there."""
    policies: tuple[str, ...]
    """Those of its role that are ldeploy's."""
    trial: bool
    """Whether the function for the trial is there."""
    answers: tuple[tuple[str, str], ...] = ()
    """Qualifier and event -> answer, or error."""

    @property
    def latest(self) -> Side:
        """What ``$LATEST`` is."""
        return dict(self.sides)["$LATEST"]

    @property
    def silent(self) -> "Seen":
        """The same without answers."""
        return replace(self, answers=())


def differences(one: Seen | None, other: Seen | None) -> str:
    """Say in words what of one is not as in the other."""
    if one is None or other is None:
        return "there is no function" if one is None else "there is a function"
    return "; ".join(_differences(one, other))


def _differences(one: Seen, other: Seen) -> Iterator[str]:
    theirs = dict(other.sides)
    for qualifier, side in one.sides:
        known = theirs.get(qualifier)
        if known is None:
            yield f"{qualifier} is new"
        elif known.code != side.code:
            yield f"{qualifier} has the code {side.code[:8]} in the place of {known.code[:8]}"
        if known and known.configuration != side.configuration:
            mine, its = json.loads(side.configuration), json.loads(known.configuration)
            names = [name for name in sorted({*mine, *its}) if mine.get(name) != its.get(name)]
            yield f"{qualifier}: " + ", ".join(f"{name} {its.get(name)} -> {mine.get(name)}" for name in names)
    if one.policies != other.policies:
        yield f"policies {other.policies} -> {one.policies}"
    if one.trial != other.trial:
        yield "the function for the trial " + ("is there" if one.trial else "is gone")
    if one.answers != other.answers and one.answers and other.answers:
        yield f"answers {other.answers} -> {one.answers}"


Known = dict[tuple[str, Side], tuple[tuple[str, str], ...]]
"""What answers, under which qualifier -> its answers: the same code and configuration answer the same."""


def look(world: World, known: Known | None = None) -> Seen | None:
    """Return what can be seen, or None where there is no function; what is known already is not asked again."""
    functions = world.cloud.functions
    try:
        latest = functions.get_function_configuration(FunctionName=NAME)
    except functions.exceptions.ResourceNotFoundException:
        return None
    aliases = functions.list_aliases(FunctionName=NAME)["Aliases"]
    sides, asked = {"$LATEST": _side(latest)}, {"$LATEST": "$LATEST"}
    for alias in aliases:
        versions = [alias["FunctionVersion"], *(alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})]
        for number, version in enumerate(versions):
            where = functions.get_function_configuration(FunctionName=NAME, Qualifier=version)
            name = alias["Name"] + "+" * number
            sides[name] = _side(where)
            asked[name] = version if len(versions) > 1 else alias["Name"]  # of two, the alias answers as chance has it
    answers: list[tuple[str, str]] = []
    for name, qualifier in asked.items():
        answers += (known or {}).get((name, sides[name])) or _answers(world, name, qualifier)
    return Seen(tuple(sides.items()), _policies(world, latest["Role"]), _has_trial(world), tuple(answers))


def _side(found: dict[str, Any]) -> Side:
    kept = {name: value for name, value in found.items() if name not in _PASSING}
    variables = (kept.get("Environment") or {}).get("Variables", {})
    if PACKAGE_VARIABLE in variables:
        masked = {**variables, PACKAGE_VARIABLE: _NONCE.sub("", variables[PACKAGE_VARIABLE])}
        kept["Environment"] = {"Variables": masked}
    if "Layers" in kept:
        kept["Layers"] = [{**layer, "Arn": _LAYER.sub(r"\1", layer["Arn"])} for layer in kept["Layers"]]
    return Side(base64.b64decode(found["CodeSha256"]).hex(), json.dumps(kept, sort_keys=True, default=str))


def _answers(world: World, side: str, qualifier: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{side}/{name}", answer(world, event, qualifier)) for name, event in EVENTS.items())


def answer(world: World, event: dict[str, str], qualifier: str) -> str:
    """Return the answer to an event, or how it failed."""
    try:
        result = world.cloud.invoke(NAME, event, Qualifier=qualifier)
    except ClientError as error:
        return f"no answer: {error}"
    return f"failed: {result.value}" if result.error else json.dumps(result.value)


def _policies(world: World, role: str) -> tuple[str, ...]:
    if role == ROLE:
        return ()
    roles = client(world.aws, "iam")
    try:
        return tuple(roles.list_role_policies(RoleName=role.rpartition("/")[2])["PolicyNames"])
    except ClientError:
        return ()
    finally:
        roles.close()


def _has_trial(world: World) -> bool:
    try:
        world.cloud.functions.get_function_configuration(FunctionName=trial_name(NAME))
    except ClientError:
        return False
    return True
