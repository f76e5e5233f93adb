"""What a sandbox has touched so far, how, and by which witness; and what of it waits to be written."""

from __future__ import annotations

from typing import Callable

from probe_layer.letters import Letter
from probe_layer.record import SEEN_BY, name_touch

_BITS: dict[str, int] = {letter: 1 << number for number, letter in enumerate(Letter)}
_MASKS = {kind: sum(_BITS[each] for each in Letter if each.kind == kind) for kind in SEEN_BY}
_MASK_OF: dict[str, int] = {letter: _MASKS[letter.kind] for letter in Letter}
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
        known, bit, mask = self._seen.get(path, 0), _BITS[letter], _MASK_OF[letter]
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
    found = [letter for letter in Letter if bits & _BITS[letter]]
    return name_touch(found[0].kind, {letter.witness for letter in found})
