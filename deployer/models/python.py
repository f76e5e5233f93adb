"""What a function's environment tells of how its Python takes bytecode."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PythonOptions:
    """Which bytecode a Python looks for, and where."""

    optimize: int = 0
    """``PYTHONOPTIMIZE``: 1 leaves assertions out, 2 docstrings too. Bytecode of another level is not looked for."""
    cache_prefix: str = ""
    """``PYTHONPYCACHEPREFIX``: the folder with all bytecode, in place of a ``__pycache__`` beside each source."""

    def __str__(self) -> str:
        """Return the variables that are set, for a message."""
        told = {"PYTHONOPTIMIZE": self.optimize, "PYTHONPYCACHEPREFIX": self.cache_prefix}
        return " and ".join(name for name, value in told.items() if value)


USUAL: Final = PythonOptions()
"""Where no variable says otherwise."""


def read_options(environment: Mapping[str, str]) -> PythonOptions:
    """Return what a function's variables say.

    As CPython reads them (Python/initconfig.c): an empty variable is none, and a level that is no number is 1.
    ``PYTHONDONTWRITEBYTECODE`` keeps Python from writing bytecode, not from reading it; /var/task is read-only anyway.
    """
    level = environment.get("PYTHONOPTIMIZE", "")
    optimize = int(level) if level.isascii() and level.isdigit() else int(bool(level))
    prefix = environment.get("PYTHONPYCACHEPREFIX", "")
    return PythonOptions(optimize, posixpath.normpath(prefix) if prefix else "")
