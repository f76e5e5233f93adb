"""Parses the texts of options: times, whitelists, folders of events."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.commands.groups import origin
from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.models.whitelist import Whitelist


class _Text(click.ParamType[Any]):
    """An option's text, read by a function that raises UsageError."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text; where it is wrong and nobody typed it, say where it comes from."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except UsageError as error:
            if where := origin(param, ctx):
                raise UsageError(f"{where[0].upper()}{where[1:]} is wrong: {error.what}", error.advice) from error
            raise


_AGO = re.compile(r"(\d+)([smhdw])")
_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def _moment(given: str) -> Callable[[int], int]:
    """Parse ``7d`` or a time; return what makes milliseconds since 1970 of it, given the present."""
    ago = _AGO.fullmatch(given)
    if ago:
        back = int(ago[1]) * _MS[ago[2]]
        return lambda now: max(0, now - back)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise UsageError(f"'{given}' is not a time.", "Write 7d, 12h, 30m, or 2026-01-31T12:00 (UTC).") from error
    stamp = max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
    return lambda now: stamp  # noqa: ARG005


def _duration(given: str) -> int:
    ago = _AGO.fullmatch(given)
    if not ago or not int(ago[1]):
        raise UsageError(f"'{given}' is not a length of time.", "Write 90s, 15m or 2h.")
    return int(ago[1]) * _MS[ago[2]]


def _share(given: str) -> float:
    text = given.strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0
    if not 0 < value < 1:
        raise UsageError(f"'{given}' is not a share.", "Write 10%, or 0.1; above 0 and below 100 %.")
    return round(value, 4)


def _whitelist(given: str) -> "Whitelist":
    from deployer.whitelist import from_json, from_lean_json, is_lean

    try:
        text = Path(given).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The whitelist {given} cannot be read.", "Give a whitelist.json that shrink wrote, or what --export did."
        ) from error
    return from_lean_json(text) if is_lean(text) else from_json(text)


def _events(given: str) -> Path:
    if not Path(given).is_dir():
        raise UsageError(f"There is no folder {given}.", "Give a folder with one *.json for each event.")
    return Path(given)


moment = _Text("time", _moment)
duration = _Text("length", _duration)
share = _Text("share", _share)
whitelist_file = _Text("file", _whitelist)
events_folder = _Text("folder", _events)
