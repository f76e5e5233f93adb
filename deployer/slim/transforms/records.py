"""Removes the rows of dropped files from ``RECORD`` of a distribution: every file that it lists exists.

Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

import csv
import posixpath
import re
from collections.abc import Container, Iterator
from typing import Final, Self

from deployer.models.settings import Guarding
from deployer.models.slim import Saving
from deployer.slim.buffers import whole
from deployer.slim.transforms.base import Changed, File, Kept, Outcome, Transform

RECORD: Final = re.compile(r"(?:.*/)?[^/]+\.dist-info/RECORD")

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")


class ShortenRecords(Transform):
    """Shortens each distribution's list of its files to those that are kept."""

    name = "lists of files shortened"

    @classmethod
    def plan(cls, kept: Kept) -> Self | None:
        """Choose the lists; with a guard all that they list is there."""
        shortens = kept.settings.trim and kept.settings.guard is Guarding.OFF
        return cls(tuple(filter(RECORD.fullmatch, kept.files))) if shortens else None

    def change(self, file: File) -> Changed:
        """Return the rows of what is kept."""
        recipe = file.recipe
        return Changed(kept_rows(bytes(whole(file.contents)), file.path, recipe.paths, recipe.changed))

    def savings(self, outcome: Outcome) -> Iterator[Saving]:
        """Tell what was saved, where there is a list."""
        return super().savings(outcome) if self.paths else iter(())


def kept_rows(record: bytes | bytearray, path: str, kept: Container[str], changed: Container[str]) -> bytes:
    """Return the rows whose file is kept, in their order; a record that cannot be read stays as it is.

    Args:
        record: the contents.
        path: of the record in the package.
        kept: paths of the package.
        changed: those of them whose bytes are not the wheel's any more: their hash and size are left empty.
    """
    root = posixpath.dirname(posixpath.dirname(path))
    try:
        lines = _LINE.findall(record.decode())
        return "".join(_rows(lines, root, kept, changed)).encode()
    except (UnicodeDecodeError, csv.Error, IndexError):
        return bytes(record)


def _rows(lines: list[str], root: str, kept: Container[str], changed: Container[str]) -> Iterator[str]:
    for line in lines:
        name = next(csv.reader([line], strict=True))[0]
        place = posixpath.normpath(posixpath.join(root, name))
        if place in changed:
            quoted = line.rstrip("\r\n").rsplit(",", 2)[0]
            yield f"{quoted},,\n"
        elif place in kept:
            yield line
