"""Builds an example's full package: its requirements from the package index, and its function.

python -m examples.build tiles FOLDER
"""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
STAMP = ".requirements.txt"


def build(name: str, folder: Path) -> Path:
    """Return an example's package in a folder; built anew only when its requirements change, by one process at a time.

    Args:
        name: of a folder beside this file.
        folder: where to; what was there from other requirements is removed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(HERE / name / "requirements.txt", folder)
        _put(HERE / name / "app.py", folder / "app.py")
    return folder


def _install(requirements: Path, folder: Path) -> None:
    stamp = folder.with_name(folder.name + STAMP)
    if stamp.exists() and stamp.read_bytes() == requirements.read_bytes():
        return
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, "--target", folder, "--requirement", requirements], check=True)
    shutil.copyfile(requirements, stamp)


def _put(source: Path, place: Path) -> None:
    """Copy a file, at once for whoever reads it; not at all where it is there."""
    if not (place.exists() and place.read_bytes() == source.read_bytes()):
        part = place.parent.with_name(
            f"{place.parent.name}.part"
        )  # beside the package: a reader takes all that is in it
        shutil.copyfile(source, part)
        part.replace(place)


if __name__ == "__main__":
    build(sys.argv[1], Path(sys.argv[2]))
