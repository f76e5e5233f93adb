"""The frame of the JSON files that later runs read: each names the version of its form and is checked when read."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from deployer.errors import WorkspaceError

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Form:
    """The form of one kind of file."""

    subject: str
    """What the file is, as the first words of a sentence: ``The whitelist``."""
    version: int
    remedy: str
    """What to do where the file is broken."""
    other_version: str = "Use the ldeploy that wrote it, or a newer one."
    """What to do where it is of another version."""
    key: str = "version"
    """The field that holds the version."""

    def write(self, fields: Mapping[str, Any], *, sort_keys: bool = False) -> str:
        """Return one JSON object: the version, then the fields."""
        return json.dumps({self.key: self.version, **fields}, indent=1, sort_keys=sort_keys) + "\n"

    def read(self, text: str, build: Callable[[dict[str, Any]], _Value]) -> _Value:
        """Return the value that a file's text stands for.

        Args:
            text: the whole file.
            build: makes the value of the fields without the version.

        Raises:
            WorkspaceError: the text is broken, or of a version that is not known here.
        """
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._broken() from error
        return self.build(fields, build)

    def build(self, fields: Any, build: Callable[[dict[str, Any]], _Value]) -> _Value:
        """Return the value that a parsed file stands for; arguments and errors as of ``read``."""
        try:
            fields = dict(fields)
            if (version := fields.pop(self.key)) == self.version:
                return build(fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise self._broken() from error
        raise WorkspaceError(f"{self.subject} is of version {version}, not {self.version}.", self.other_version)

    def _broken(self) -> WorkspaceError:
        return WorkspaceError(f"{self.subject} is broken.", self.remedy)


def of_type(kind: type[_Value], value: object) -> _Value:
    """Return a value that is of just this type.

    Raises:
        TypeError: it is of another one.
    """
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def count(value: object) -> int:
    """Return a value that is a whole number of 0 or more.

    Raises:
        TypeError: it is something else.
    """
    number = of_type(int, value)
    if number < 0:
        raise TypeError(f"{value!r} is no count")
    return number
