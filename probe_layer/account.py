"""What a sandbox has touched so far, how, and by which witness; and what of it waits to be written.

A letter stands for a kind of touch and the witness of it; those of the shim are also in the journal.
"""

from __future__ import annotations

from typing import Callable

from probe_layer.record import name_touch

LETTERS = {
    "o": ("opened", "shim"),
    "O": ("opened", "inotify"),
    "a": ("opened", "audit"),
    "p": ("opened", "maps"),
    "l": ("looked", "shim"),
    "d": ("listed", "shim"),
    "D": ("listed", "inotify"),
    "e": ("listed", "audit"),
    "n": ("browsed", "audit"),
    "w": ("browsed", "shim"),
    "W": ("browsed", "inotify"),
    "r": ("read", "audit"),
    "x": ("executed", "shim"),
    "m": ("loaded", "shim"),
    "M": ("loaded", "maps"),
    "b": ("loaded", "audit"),
}
LISTING = {"o": "d", "O": "D", "a": "e", "p": "D"}
"""To open a directory is to list it."""
ASKED = "abenr"
"""The letters of what Python code did: those know the module that asked."""
_BITS = {letter: 1 << number for number, letter in enumerate(LETTERS)}
_MASKS = {kind: sum(_BITS[each] for each in LETTERS if LETTERS[each][0] == kind) for kind, _ in LETTERS.values()}
_LOOKED = _MASKS["looked"]


class Account:
    """Each path once for each kind of touch, with the witnesses that had it by the time it was written."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}
        self._pending: dict[bytes, int] = {}
        self._importers: dict[bytes, str] = {}

    def __bool__(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self._pending)

    def has(self, letter: str, path: bytes) -> bool:
        """Whether this witness has told of the path."""
        return bool(self._seen.get(path, 0) & _BITS[letter])

    def add(self, letter: str, path: bytes) -> None:
        """A witness tells of a path. What is written is not written again because of one more witness."""
        known, bit, mask = self._seen.get(path, 0), _BITS[letter], _MASKS[LETTERS[letter][0]]
        if known & bit:
            return
        self._seen[path] = known | bit
        waiting = self._pending.get(path, 0)
        if waiting & mask or not known & mask:
            self._pending[path] = waiting | bit

    def ask(self, path: bytes, module: str) -> None:
        """A module asked for the path."""
        if module:
            self._importers[path] = module

    def written(self) -> None:
        """Nothing waits any more."""
        self._pending.clear()

    def again(self) -> None:
        """Everything waits again."""
        self._pending = dict(self._seen)

    def touched(self, relative: Callable[[bytes], str]) -> dict[str, list[str]]:
        """What waits, as a record has it. That an opened file was looked at before says nothing more."""
        names: dict[int, str] = {}
        touched: dict[str, list[str]] = {}
        for path, bits in self._pending.items():
            waiting = bits & ~_LOOKED if self._seen[path] & ~_LOOKED else bits
            for mask in _MASKS.values():
                part = waiting & mask
                if part:
                    name = names.get(part) or names.setdefault(part, _name(part))
                    touched.setdefault(name, []).append(relative(path))
        return touched

    def imported(self, relative: Callable[[bytes], str]) -> dict[str, list[str]]:
        """The modules that asked for what waits."""
        imported: dict[str, list[str]] = {}
        for path in self._pending:
            if path in self._importers:
                imported.setdefault(self._importers[path], []).append(relative(path))
        return imported


def _name(bits: int) -> str:
    found = [LETTERS[letter] for letter, bit in _BITS.items() if bits & bit]
    return name_touch(found[0][0], {witness for _, witness in found})
