"""What a policy document permits: its actions, resources and conditions.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Final


class Decision(StrEnum):
    """What policies say of an action, in IAM's own words."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True)
class Asked:
    """An action on a resource, and what conditions look at."""

    action: str
    """Such as ``s3:GetObject``."""
    resource: str
    """ARN, or ``*``."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition key, in lower case -> value; what is missing is not known of the call."""


def decide(documents: Iterable[Mapping[str, Any]], asked: Asked) -> Decision:
    """Return what the policies say together: one that denies is enough."""
    effects = {one["Effect"] for document in documents for one in _listed(document["Statement"]) if _fits(one, asked)}
    if "Deny" in effects:
        return Decision.EXPLICIT_DENY
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICIT_DENY


def _fits(statement: Mapping[str, Any], asked: Asked) -> bool:
    action = asked.action.lower()
    concerned = (
        _any(_listed(statement["Action"]), action, str.lower)
        if "Action" in statement
        else not _any(_listed(statement["NotAction"]), action, str.lower)
    )
    return (
        concerned
        and _any(_listed(statement.get("Resource", "*")), asked.resource)
        and all(
            _met(operator, value, asked.context.get(key.lower()))
            for operator, keys in statement.get("Condition", {}).items()
            for key, value in keys.items()
        )
    )


def _met(operator: str, wanted: Any, value: str | None) -> bool:
    """Return whether a condition is met; a key that the call does not have meets none.

    Raises:
        ValueError: the operator is not one of those that ldeploy's own policies have.
    """
    if operator not in _OPERATORS:
        raise ValueError(f"ldeploy local knows no condition {operator}")
    return value is not None and any(_OPERATORS[operator](str(one), value) for one in _listed(wanted))


def _any(patterns: Iterable[str], value: str, change: Callable[[str], str] = str) -> bool:
    return any(_pattern(change(pattern)).fullmatch(value) for pattern in patterns)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern of IAM as an expression: ``*`` is any text, ``?`` any character."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": lambda wanted, value: bool(_pattern(wanted).fullmatch(value)),
}
