"""Compiles sources for the version of Python that runs it: 3.9 to 3.14, standard library only.

Reads requests from standard input until it ends: two lengths (little-endian, 32 bits each), a path, a source.
Answers each on standard output: a length and the .pyc (PEP 552, hash-based and unchecked); a length of 0 for
a source that does not compile.
"""

import marshal
import struct
import sys
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType
from typing import BinaryIO

_UNCHECKED = struct.pack("<I", 0b01)
_PARTS = (
    *("co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_filename", "co_name"),
    *("co_qualname", "co_linetable", "co_exceptiontable"),
)


def settled(value: object) -> object:
    """The code with each constant set built in sorted order: before 3.11, marshal takes them as they lie."""
    if isinstance(value, CodeType):
        return value.replace(co_consts=tuple(settled(constant) for constant in value.co_consts))
    if isinstance(value, frozenset):
        return frozenset(sorted(value, key=repr))
    return value


def held(code: CodeType) -> list[object]:
    """Everything in the code, so that each object has a reference more than the code's own.

    marshal marks an object as one that may be referred to when its reference count is over 1, and that hangs
    on which names happen to be alive in this process. With these held, all are marked, always.
    """
    kept: list[object] = [code]
    for value in kept:
        if isinstance(value, CodeType):
            kept += [getattr(value, part) for part in _PARTS if hasattr(value, part)]
        elif isinstance(value, (tuple, frozenset)):
            kept += value
    return kept


def compiled(source: bytes, path: str) -> bytes:
    """The .pyc of a source, with the path in its tracebacks; empty where it does not compile."""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except Exception:
        return b""
    if sys.version_info < (3, 11):  # noqa: UP036 - other versions run this than the project's own
        code = settled(code)
    alive = held(code)
    pyc = MAGIC_NUMBER + _UNCHECKED + source_hash(source) + marshal.dumps(code)
    del alive
    return pyc


def answer(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests until there are no more."""
    while header := requests.read(8):
        path_length, source_length = struct.unpack("<II", header)
        path = requests.read(path_length).decode("utf-8", "surrogateescape")
        pyc = compiled(requests.read(source_length), path)
        answers.write(struct.pack("<I", len(pyc)) + pyc)
        answers.flush()


if __name__ == "__main__":
    answer(sys.stdin.buffer, sys.stdout.buffer)
