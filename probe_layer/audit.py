"""Who asked: CPython's audit hook names the module that opened, imported, listed or started what lies below the roots.

The hook runs on every audit event of the process for as long as it lives, and cannot be taken away again: so it
looks at few of them, at each path once, and raises nothing. Source: https://docs.python.org/3/library/audit_events.html.
"""

from __future__ import annotations

import os
from typing import Any, Callable

from probe_layer.unheard import frame_behind

_Note = Callable[[int, bytes], Any]
_PROGRAMS = frozenset(["subprocess.Popen", "os.exec", "os.posix_spawn"])
_IMPORTING = ("importlib", "_frozen_importlib", "zipimport", "pkgutil")
_BETWEEN = frozenset(["codecs", "ctypes", "glob", "os", "pathlib", "pathlib._local", "subprocess"])
"""Modules that ask for others: how their names begin, and their names."""
_IMPORT = frozenset(["_frozen_importlib", "importlib._bootstrap"])
_LOADERS = frozenset(["_frozen_importlib_external", "importlib._bootstrap_external"])
"""The two halves of the import system, by the names before and after ``importlib`` itself is imported."""
_FINDERS = _LOADERS | {"importlib.metadata", "importlib_metadata", "site"}
"""Modules that list a folder to find one file, which they open then. Whoever else does may answer with its names."""
_LONGEST = 200  # of a module's name: it is whatever the function makes it


class Audit:
    """What was asked for, by whom.

    Args:
        roots: absolute paths with a slash at their end.
        note: writes a letter and a path to the journal, for processes that the function forks; None where it cannot.
    """

    def __init__(self, roots: tuple[str, ...], note: _Note | None = None) -> None:
        self._fresh: list[tuple[str, str, str]] = []
        self.hook = _make_hook(self._fresh, roots, note)

    def take(self) -> list[tuple[str, bytes, str]]:
        """What was asked for since the last call: a letter as in ``account.py``, absolute path, asking module."""
        fresh = self._fresh[:]
        del self._fresh[: len(fresh)]
        return [(letter, os.fsencode(path), module) for letter, path, module in fresh]


def _make_hook(fresh: list[tuple[str, str, str]], roots: tuple[str, ...], note: _Note | None) -> Any:
    """A function of no object: the fewest steps for an event that is none of ours."""
    join, runtime = os.path.join, os.getpid()
    asked: set[str] = set()
    used: dict[str, set[str]] = {"n": set(), "r": set()}
    names = {"open": "a", "import": "b", "ctypes.dlopen": "b", "os.listdir": "e", "os.scandir": "e"}
    names.update((name, "y") for name in _PROGRAMS)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in names:
            return
        try:
            path = arguments[event == "import"]  # of an extension module the second, else None
            if names[event] == "e":
                path = _folder(path)
            if path.__class__ is not str:
                if path.__class__ is not bytes:
                    return
                path = os.fsdecode(path)
            letter = names[event]
            if letter == "e" and frame_behind().f_globals.get("__name__") not in _FINDERS:
                letter, path = "n", join(path, "")  # with its slash the root is below the root
            elif event == "open" and path.endswith(".py") and _is_read(frame_behind()):
                letter = "r"
            known = used.get(letter, asked)
            if path in known or (event == "open" and arguments[2] & os.O_ACCMODE):
                return
            if not path.startswith("/"):
                if event == "ctypes.dlopen" and "/" not in path:
                    return
                path = join(_here(), path)
            if not path.startswith(roots) or path in known:
                return
            known.add(path)
            fresh.append((letter, path, _asker(frame_behind())))
            if letter in used and note and os.getpid() != runtime:
                note(ord(letter), os.fsencode(path))
        except (TypeError, ValueError, AttributeError, IndexError, KeyError, OSError, RecursionError, MemoryError):
            pass

    return hook


def _folder(path: Any) -> Any:
    """The folder that is listed: none is the working directory, a number an open descriptor."""
    if path.__class__ is int:
        return os.readlink("/proc/self/fd/%d" % path)
    return "." if path is None else path


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"


def _is_read(place: Any) -> bool:
    """Whether a source is opened for another reason than that a module of its name is imported."""
    while place is not None and place.f_globals.get("__name__") in _LOADERS:
        place = place.f_back
    return place is None or place.f_globals.get("__name__") not in _IMPORT


def _asker(place: Any) -> str:
    """The name of the module that is behind the import system; empty where there is none."""
    name: Any = ""
    while place is not None:
        name = place.f_globals.get("__name__")
        if name.__class__ is str and name not in _BETWEEN and not name.startswith(_IMPORTING):
            return str(name[:_LONGEST])
        place = place.f_back
    return ""
