"""What is mapped in this process, by the kernel's own list: a witness of the libraries that the loader opened."""

from __future__ import annotations

import ctypes
from posix import O_CLOEXEC, O_RDONLY, close
from posix import read as _read
from posixpath import basename

from probe_layer.letters import Letter

_C = ctypes.PyDLL(None)
_C.open.argtypes = [ctypes.c_char_p, ctypes.c_int]


def mapped(roots: tuple[bytes, ...]) -> list[tuple[str, bytes]]:
    """Letters and absolute paths: what holds code, or is named like a library, and other files.

    Args:
        roots: with a slash at their end.
    """
    places: dict[bytes, bool] = {}
    for line in _maps().split(b"\n"):
        start = line.find(b"/")
        if start > 0 and line.startswith(roots, start):
            runs = line[line.index(b" ") + 3 : start][:1] == b"x"
            places[line[start:]] = places.get(line[start:], False) or runs
    return [
        (Letter.MAPS_LOADED if runs or b".so" in basename(path) else Letter.MAPS_OPENED, path)
        for path, runs in places.items()
    ]


def _maps() -> bytes:
    """The list; opened by C, as CPython would tell the function's own audit hooks."""
    file = _C.open(b"/proc/self/maps", O_RDONLY | O_CLOEXEC)
    if file < 0:
        return b""
    try:
        return b"".join(iter(lambda: _read(file, 1 << 18), b""))
    finally:
        close(file)
