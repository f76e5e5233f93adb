"""Builds an example's full package: its requirements from the package index, and its function.

python -m examples.build tiles FOLDER
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
STAMP = ".requirements.txt"


def build(name: str, folder: Path) -> Path:
    """The package of an example in a folder; built anew only when its requirements change.

    Args:
        name: of a folder beside this file.
        folder: where to; what was there from other requirements is removed.
    """
    requirements = HERE / name / "requirements.txt"
    stamp = folder.with_name(folder.name + STAMP)
    if not (stamp.exists() and stamp.read_bytes() == requirements.read_bytes()):
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        subprocess.run([*pip, "--target", folder, "--requirement", requirements], check=True)
        shutil.copyfile(requirements, stamp)
    shutil.copyfile(HERE / name / "app.py", folder / "app.py")
    return folder


if __name__ == "__main__":
    build(sys.argv[1], Path(sys.argv[2]))
