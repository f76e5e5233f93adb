"""Compiles sources for the version of Python that runs it: 3.9 to 3.14, standard library only.

Its argument is the level of optimisation. Reads requests from standard input until it ends: the flags of the .pyc
(PEP 552), two lengths (little-endian, 32 bits each), a path, a source. Answers each on standard output: a length and
the .pyc, which is hash-based; a length of 0 for a source that does not compile.
"""

import marshal
import re
import struct
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib.util import MAGIC_NUMBER, source_hash
from operator import is_
from types import CodeType
from typing import BinaryIO

UNCHECKED, CHECKED = 0b01, 0b11
"""Flags of a hash-based .pyc: Python compares the source with it at each import only where it is checked."""
_PARTS = (
    *("co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_filename", "co_name"),
    *("co_qualname", "co_linetable", "co_exceptiontable"),
)
_REPEATED = re.compile(rb"[\xe8-\xef](?P<line>[\x40-\x7f]*[\x00-\x3f])(?:[\xe8-\xef]\x00)+|[\xf8-\xff]{2,}")
"""Neighbouring entries of a location table without columns that tell the same line.

An entry's first byte, the only one over 127, has its kind (13: a line, as the difference to the one before; 15: none)
and how many units of code it is about, less one (Objects/locations.md of CPython).
"""
_BEHIND_FIRST = bytes(range(0x80))


def settled(value: object) -> object:
    """Build each constant set in sorted order: before 3.11, marshal takes them in their own."""
    if isinstance(value, CodeType):
        return value.replace(co_consts=tuple(settled(constant) for constant in value.co_consts))
    if isinstance(value, frozenset):
        return frozenset(sorted(value, key=repr))
    return value


def tightened(code: CodeType) -> CodeType:
    """Return the code with fewer entries in its location tables; each instruction keeps its line.

    From 3.11 on, each instruction has an entry of its own. Code that cannot be rebuilt exactly stays as it is.
    """
    if _dumped(_anew(code, bytes)) != _dumped(code):
        return code
    return _anew(code, lambda table: _REPEATED.sub(lambda found: _joined(found[0], found["line"] or b""), table))


def _anew(code: CodeType, change: Callable[[bytes], bytes]) -> CodeType:
    """Return the code, and all code within it, with another location table."""
    inner = tuple(_anew(each, change) if isinstance(each, CodeType) else each for each in code.co_consts)
    constants = code.co_consts if all(map(is_, inner, code.co_consts)) else inner
    return code.replace(co_consts=constants, co_linetable=change(code.co_linetable))


@lru_cache(1 << 14)
def _joined(entries: bytes, line: bytes) -> bytes:
    """Return the same in as few entries as possible: of 8 units each, except the last."""
    firsts = entries.translate(None, _BEHIND_FIRST)
    kind, units = firsts[0] & 0xF8, sum(first % 8 + 1 for first in firsts)
    first, *others = [bytes([kind | min(units - done, 8) - 1]) for done in range(0, units, 8)]
    return first + line + b"".join(other + b"\0" * bool(line) for other in others)


def held(code: CodeType) -> list[object]:
    """Return everything in the code, so that each object has one more reference than the code's own.

    marshal marks an object as one that may be referred to when its reference count is over 1, which depends on the
    names that are alive in this process. While these are held, all objects are marked, always.
    """
    kept: list[object] = [code]
    for value in kept:
        if isinstance(value, CodeType):
            kept += [getattr(value, part) for part in _PARTS if hasattr(value, part)]
        elif isinstance(value, (tuple, frozenset)):
            kept += value
    return kept


def _dumped(code: CodeType) -> bytes:
    """Return the code as bytes: in marshal's newest form, since older ones know no slices (constants from 3.14 on)."""
    alive = held(code)
    dumped = marshal.dumps(code)
    del alive
    return dumped


def compiled(source: bytes, path: str, flags: int = UNCHECKED, optimize: int = 0) -> bytes:
    """Return the .pyc of a source, with the path in its tracebacks; empty where it does not compile."""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=min(optimize, 2))
    except Exception:
        return b""
    if sys.version_info < (3, 11):  # noqa: UP036 - other versions run this than the project's own
        code = settled(code)
    else:
        code = tightened(code)
    return MAGIC_NUMBER + struct.pack("<I", flags) + source_hash(source) + _dumped(code)


def answer(requests: BinaryIO, answers: BinaryIO, optimize: int) -> None:
    """Answer requests until there are no more."""
    while header := requests.read(12):
        flags, path_length, source_length = struct.unpack("<III", header)
        path = requests.read(path_length).decode("utf-8", "surrogateescape")
        pyc = compiled(requests.read(source_length), path, flags, optimize)
        answers.write(struct.pack("<I", len(pyc)) + pyc)
        answers.flush()


if __name__ == "__main__":
    answer(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
