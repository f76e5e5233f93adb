"""What several tests need and takes long to make: made once, kept below ``build/tests``, shared by all workers."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

KEPT = Path(__file__).parents[1] / "build" / "tests"
PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Let one process at a time work on a place; the lock ends with the process that holds it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once(name: str, pins: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Return a folder that ``make`` filled, in this run or in one before; nobody may change what is in it.

    Args:
        name: of the kind of folder, for whoever looks into ``build/tests``.
        pins: what decides the contents beside this Python; other pins are another folder.
        make: fills the folder that it is given; when it fails, the next caller begins anew.
    """
    key = hashlib.sha256("\n".join([sys.version, *pins]).encode()).hexdigest()[:16]
    folder = KEPT / f"{name}-{key}"
    done = folder.with_name(f"{folder.name}.done")
    with locked(folder):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def installed(requirements: Sequence[str], *options: str) -> Path:
    """Return a folder with distributions as ``pip install --target`` makes it, without bytecode."""

    def install(folder: Path) -> None:
        subprocess.run([*PIP, "--no-compile", "--target", str(folder), *options, *requirements], check=True)

    return once("packages", [*options, *requirements], install)
