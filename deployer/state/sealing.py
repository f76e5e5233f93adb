"""The copy of the state on this machine: the values of environments are not in it, and a change of them is noticed."""

import hmac
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

SEAL: Final = "seal"
"""In the bucket's copy: a random key, without which the digests in the other copy tell nothing."""
REDACTED: Final = "redacted"
"""In this machine's copy: its values are digests."""
_CONFIGURATIONS: Final = ("before", "probed", "left")
_PASSING: Final = frozenset({SEAL, REDACTED})


def seal(document: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the document with a key in it: that of the copy before, so that a copy of it here still compares."""
    return {**document, SEAL: (before or {}).get(SEAL) or secrets.token_hex(16)}


def is_redacted(document: Mapping[str, Any]) -> bool:
    """Return whether the document holds digests in the place of values."""
    return bool(document.get(REDACTED))


def redacted(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with a digest in the place of each value of an environment, and without the key."""
    key = str(document.get(SEAL, "")).encode()
    found = {name: value for name, value in document.items() if name != SEAL}
    for name in _CONFIGURATIONS:
        if found.get(name):
            environment = found[name].get("environment", {})
            digests = {
                one: hmac.digest(key, str(value).encode(), "sha256").hex()[:32] for one, value in environment.items()
            }
            found[name] = {**found[name], "environment": digests}
    answers = {event: {**answer, "shape": None} for event, answer in document.get("answers", {}).items()}
    return {**found, "answers": answers, REDACTED: True}


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of what differs between this machine's copy and the bucket's; never values."""
    theirs = dict(_flat(redacted(there) if is_redacted(here) else there))
    ours = dict(_flat(here))
    names = sorted(ours.keys() | theirs.keys())
    return tuple(name for name in names if name not in _PASSING and ours.get(name) != theirs.get(name))


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
