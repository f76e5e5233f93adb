"""Compiles sources to bytecode for the function's version of Python, in child processes of that version.

The .pyc are hash-based (PEP 552), since dates do not match in a reproducible zip (aws-lambda-builders #924): unchecked,
or checked where the source may be changed under them. The same source gives the same bytes, whatever the order, the
process and the hash seed.
"""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import BinaryIO, Final, Self, cast

from deployer.limits import is_python
from deployer.models.image import kept_image
from deployer.slim.transforms.bytecode_child import CHECKED, UNCHECKED

_ROOT: Final = PurePosixPath("/var/task")
_CHILD: Final = Path(__file__).with_name("bytecode_child.py")
_WHO: Final = """import sys
version = "python%d.%d" % sys.version_info[:2]
print(sys.executable, sys.implementation.name, version, sys.version_info.releaselevel, sep="\\n")
"""
_TIMEOUT_S: Final = 20


@dataclass(frozen=True, slots=True)
class Form:
    """Which bytecode is wanted.

    Attributes:
        columns: with the columns that a traceback underlines in the source (PEP 657): from 3.11 on 5 % of the bytes,
            20 % of them deflated.
        optimize: the level of ``PYTHONOPTIMIZE``.
        checked: paths of the sources that Python shall compare with their bytecode at each import.
    """

    columns: bool = True
    optimize: int = 0
    checked: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of the sources.

    Attributes:
        files: the .pyc of each source, by the source's path.
        skipped: sources that do not compile: templates, code for Python 2.
        reason: why nothing was compiled; empty where an interpreter was found.
    """

    files: Mapping[str, bytes]
    skipped: tuple[str, ...] = ()
    reason: str = ""


_USUAL: Final = Form()


def compile_sources(
    sources: Iterable[tuple[str, bytes]],
    runtime: str,
    *,
    python: str = "",
    form: Form = _USUAL,
    processes: int = 2,
) -> Compiled:
    """Return the bytecode of each source, by an interpreter of the function's own version, in child processes.

    Args:
        sources: path (relative to the package's root, or absolute for a layer's) and text of each module;
            read as they are needed, by one thread at a time.
        runtime: Lambda's name of it: ``"python3.11"``.
        python: the interpreter to use; without it, one is looked for.
        form: which bytecode is wanted.
        processes: how many to run at once.
    """
    found = find_interpreter(runtime, python)
    if not found:
        return Compiled({}, (), f"no interpreter of {runtime} was found on this machine")
    plain = [] if form.columns else ["-X", "no_debug_ranges"]
    program = ["-c", _CHILD.read_text(), str(form.optimize)]
    command = [*found, "-s", "-S", "-B", "-W", "ignore", *plain, *program]
    todo, lock = iter(sources), Lock()
    with ThreadPoolExecutor(processes) as pool:
        jobs = [pool.submit(_drain, todo, lock, command, form.checked) for _ in range(processes)]
        done = {path: pyc for job in jobs for path, pyc in job.result().items()}
    files = {path: done[path] for path in sorted(done) if done[path]}
    return Compiled(files, tuple(sorted(done.keys() - files.keys())))


def find_interpreter(runtime: str, python: str = "") -> list[str]:
    """Return the command of a CPython whose bytecode the runtime accepts: this one, one on PATH, uv's, pyenv's, that of
    an image that ``scripts/images`` has made; empty for none.

    Bytecode is the same for all releases of a minor version, but not for its previews (importlib's
    MAGIC_NUMBER).
    """
    if not is_python(runtime):
        return []
    for candidate in [[python]] if python else _candidates(runtime):
        match _output([*candidate, "-s", "-S", "-c", _WHO]).splitlines():
            case [path, "cpython", version, "final"] if version == runtime:
                return candidate if len(candidate) > 1 else [path]
    return []


def _candidates(runtime: str) -> Iterator[list[str]]:
    version = runtime.removeprefix("python")
    yield [sys.executable]
    yield [shutil.which(runtime) or ""]
    yield [_output(["uv", "python", "find", "--no-project", version]).strip()]
    if prefix := _output(["pyenv", "prefix", version]).strip():
        yield [str(Path(prefix, "bin", runtime))]
    if image := kept_image(runtime, "x86_64"):
        yield image.command()


def _output(command: list[str]) -> str:
    """Return what a command prints; empty where it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


def _drain(
    sources: Iterator[tuple[str, bytes]], lock: Lock, command: list[str], checked: Collection[str]
) -> dict[str, bytes]:
    done: dict[str, bytes] = {}
    with _Child(command) as child:
        while True:
            with lock:
                path, source = next(sources, ("", b""))
            if not path:
                return done
            done[path] = child.compile(path, source, CHECKED if path in checked else UNCHECKED)


class _Child:
    """An interpreter that compiles one source after another; it is started again where a source crashes it."""

    def __init__(self, command: list[str]) -> None:
        # Before 3.11 the order of sets, and so marshal's output, depends on the hash seed.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._environment = {**inherited, "PYTHONHASHSEED": "0"}
        self._command = command
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=quiet, env=self._environment, cwd="/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def compile(self, path: str, source: bytes, flags: int) -> bytes:
        """Return the .pyc; empty where the source does not compile."""
        try:
            return self._ask(os.fsencode(_ROOT / path), source, flags)
        except (OSError, EOFError):
            self._stop()
            self._process = self._start()
            return b""

    def _ask(self, path: bytes, source: bytes, flags: int) -> bytes:
        requests = cast("BinaryIO", self._process.stdin)
        requests.write(struct.pack("<III", flags, len(path), len(source)) + path + source)
        requests.flush()
        return self._read(int.from_bytes(self._read(4), "little"))

    def _read(self, length: int) -> bytes:
        data = cast("BinaryIO", self._process.stdout).read(length)
        if len(data) < length:
            raise EOFError
        return data
