"""A log after a shrink -> invocations, errors, time-outs, and what was asked for that had been dropped.

A miss is known by its name standing in the list of what was dropped, not by the kind of exception: a module that
cannot be imported, a file or a shared library that cannot be opened, and what the guard says it was asked for.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Final

from deployer.evidence.invocations import Status, is_error, read_report, timed_out
from probe_layer.guard.line import MARK, decode

PATTERN: Final = " ".join(
    f'?"{term}"'
    for term in (
        "REPORT RequestId",
        "platform.report",
        "Task timed out",
        "[ERROR]",
        "errorType",
        "No module named",
        "[Errno 2]",
        "cannot open shared object file",
        MARK,
    )
)
"""CloudWatch's filter syntax: any of these terms (CloudWatch Logs User Guide, "Filter pattern syntax")."""
_MODULE: Final = re.compile(r"No module named '?([\w.]+)")
_PATH: Final = re.compile(r"No such file or directory: '((?:[^'\\]|\\.)+)'")
_LIBRARY: Final = re.compile(r"([\w.+-]+\.so[\w.]*): cannot open shared object file")
_ROOTS: Final = ("/var/task/", "./")


@dataclass(frozen=True, slots=True)
class Miss:
    """Something dropped that was asked for after all."""

    path: str
    """In the full package."""
    times: int
    """How many lines tell of it."""
    served: bool
    """Whether the guard brought it, each time."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a log tells of a time after a shrink."""

    invocations: int
    errors: int
    timeouts: int
    misses: tuple[Miss, ...]
    """The most frequent first."""
    starts: int = 0
    """Cold starts whose duration is known."""
    init_ms: float | None = None
    """Their median, in milliseconds."""


def aftermath(messages: Iterable[str], dropped: Collection[str]) -> Aftermath:
    """Return what the lines tell.

    An error is counted by Lambda's status, and by the line that tells of the exception where Lambda calls the
    invocation a success, as it does of an exception that the function raised.

    Args:
        messages: each line of the log that matches ``PATTERN``, perhaps others too.
        dropped: paths of the full package that the slim one does not hold.
    """
    names = _Names(dropped)
    statuses: Counter[Status] = Counter()
    lines, timeouts = 0, set[str]()
    starts: list[float] = []
    asked: Counter[str] = Counter()
    unserved: set[str] = set()
    for message in messages:
        if report := read_report(message):
            statuses[report.status] += 1
            starts += [report.init_ms] if report.init_ms is not None else []
            continue
        timeouts |= {timed_out(message)} - {""}
        lines += is_error(message)
        for path, served in names.missing(message):
            asked[path] += 1
            unserved |= set() if served else {path}
    misses = tuple(Miss(path, times, path not in unserved) for path, times in asked.most_common())
    return Aftermath(
        invocations=statuses.total(),
        errors=max(statuses[Status.ERROR], lines),
        timeouts=max(statuses[Status.TIMEOUT], len(timeouts)),
        misses=misses,
        starts=len(starts),
        init_ms=round(median(starts), 2) if starts else None,
    )


class _Names:
    """The names by which a dropped file may be asked for."""

    def __init__(self, dropped: Collection[str]) -> None:
        self._paths = frozenset(dropped)
        self._modules = {module: path for path in sorted(dropped, reverse=True) if (module := module_of(path))}
        self._libraries = {posixpath.basename(path): path for path in dropped if ".so" in path}
        self._folders = {parent: path for path in sorted(dropped, reverse=True) for parent in _parents(path)}

    def missing(self, message: str) -> Iterator[tuple[str, bool]]:
        """Yield each dropped path that a line says is missing, and whether the guard brought it."""
        if MARK in message:
            if (line := decode(message)) and line.miss:
                yield line.miss, line.served
            return
        found_paths = {
            *(self._module(name) for name in _MODULE.findall(message)),
            *(self._path(name) for name in _PATH.findall(message)),
            *(self._libraries.get(name) for name in _LIBRARY.findall(message)),
        }
        yield from ((path, False) for path in sorted(filter(None, found_paths)))

    def _module(self, name: str) -> str | None:
        """Return the module's file, or a file of a package that has no ``__init__.py``."""
        return self._modules.get(name) or self._folders.get(name.replace(".", "/"))

    def _path(self, name: str) -> str | None:
        for root in _ROOTS:
            name = name.removeprefix(root)
        name = posixpath.normpath(name)
        return name if name in self._paths else self._folders.get(name)


def module_of(path: str) -> str:
    """Return the dotted name of the module in a file, ``a.b`` of ``a/b.py``; empty where it holds none."""
    folder, name = posixpath.split(path)
    stem, _, rest = name.partition(".")
    if not stem or not (rest in {"py", "pyc"} or rest.endswith("so")) or posixpath.basename(folder) == "__pycache__":
        return ""
    parts = [*folder.split("/"), stem] if folder else [stem]
    return ".".join(parts[:-1] if stem == "__init__" else parts)


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path
