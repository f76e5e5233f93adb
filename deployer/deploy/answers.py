"""Compares an answer with that of the full package, without what differs by nature: ids, dates, what the user names."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from deployer.errors import UsageError

Place = tuple[str | int, ...]
"""Where a value is in a JSON document: keys and numbers from the root on."""

_SHAPE: Final = 64 << 10
"""Characters of the longest shape that is kept."""
_DEPTHS: Final = (64, 8, 4, 2, 1, 0)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def digest_of(value: Any) -> str:
    """Return a short digest of a JSON value: of equal values the same, however they are spaced."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def shape_of(value: Any) -> Any:
    """Return a JSON value with a digest in the place of each leaf; in that of whole branches, where it is long."""
    for depth in _DEPTHS:
        shape = _shape(value, depth)
        if len(json.dumps(shape)) <= _SHAPE:
            return shape
    return digest_of(value)


def _shape(value: Any, depth: int) -> Any:
    if depth and isinstance(value, dict) and value:
        return {name: _shape(one, depth - 1) for name, one in value.items()}
    if depth and isinstance(value, list) and value:
        return [_shape(one, depth - 1) for one in value]
    return digest_of(value)


def matches(paths: Iterable[str], *documents: Any) -> frozenset[Place]:
    """Return where the documents hold what JSON paths name (RFC 9535).

    Raises:
        UsageError: one is no JSON path.
    """
    return frozenset(
        tuple(match.parts) for path in paths for document in documents for match in _compiled(path).finditer(document)
    )


@cache
def _compiled(path: str) -> Any:
    import jsonpath  # noqa: PLC0415 - as long to import as click, for those who ignore something

    try:
        return jsonpath.compile(path)
    except jsonpath.JSONPathError as error:
        raise UsageError(
            f"'{path}' is no JSON path: {error}.", "Write one such as '$.requestId' or '$..date'."
        ) from error


def differences(shape: Any, value: Any, masked: frozenset[Place], at: Place = ()) -> Iterator[Place]:
    """Yield where a JSON value differs from a shape, but for what is masked.

    Args:
        shape: of the full package's answer.
        value: the new package's answer.
        masked: places that may differ.
        at: where both are.
    """
    if at in masked:
        return
    if isinstance(shape, dict) and isinstance(value, dict) and value:
        yield from _of_each(shape, value, masked, at)
    elif isinstance(shape, list) and isinstance(value, list) and value:
        yield from _of_each(dict(enumerate(shape)), dict(enumerate(value)), masked, at)
    elif shape != digest_of(value):
        yield at


def _of_each(
    shape: Mapping[Any, Any], value: Mapping[Any, Any], masked: frozenset[Place], at: Place
) -> Iterator[Place]:
    for name in dict.fromkeys([*shape, *value]):
        place = (*at, name)
        if name in shape and name in value:
            yield from differences(shape[name], value[name], masked, place)
        elif place not in masked:
            yield place


def written(place: Place) -> str:
    """Return a place as a JSON path."""
    parts = (
        f"[{part}]" if isinstance(part, int) else f".{part}" if _NAME.fullmatch(part) else f"[{part!r}]"
        for part in place
    )
    return "$" + "".join(parts)
