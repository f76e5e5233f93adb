"""What is mapped in this process, by the kernel's own list: a witness of the libraries that the loader opened."""

from __future__ import annotations

import os

from probe_layer.unheard import read


def mapped(roots: tuple[bytes, ...]) -> list[tuple[str, bytes]]:
    """Letters as in ``account.py`` and absolute paths: what holds code, or is named like a library, and other files.

    Args:
        roots: with a slash at their end.
    """
    places: dict[bytes, bool] = {}
    for line in read(b"/proc/self/maps").split(b"\n"):
        start = line.find(b"/")
        if start > 0 and line.startswith(roots, start):
            runs = line[line.index(b" ") + 3 : start][:1] == b"x"
            places[line[start:]] = places.get(line[start:], False) or runs
    return [("M" if runs or b".so" in os.path.basename(path) else "p", path) for path, runs in places.items()]
