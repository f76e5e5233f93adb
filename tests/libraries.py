"""Groups of real distributions (``libraries.toml``), trimmed as ``shrink`` trims, to be loaded and used."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.slim.transforms.elf import may_be_library, sum_beside, trim
from tests.kept import installed

_LOAD = """
import ctypes, json, os, sys
answers = {}
for path in json.load(sys.stdin):
    reads, writes = os.pipe()
    if not os.fork():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            ctypes.CDLL(os.path.join(sys.argv[1], path), os.RTLD_NOW)
            os.write(writes, b"loaded")
        except OSError as error:
            os.write(writes, str(error).replace(sys.argv[1], "").encode())
        os._exit(0)
    os.close(writes)
    answers[path] = os.read(reads, 4000).decode()
    os.close(reads)
    os.wait()
print(json.dumps(answers))
"""
_USE = """
import json, sys
FOLDER = sys.argv[1]
sys.path.insert(0, FOLDER)
exec(sys.stdin.read())
print("\\n" + json.dumps(answer, sort_keys=True).replace(FOLDER, ""))
"""


@dataclass(frozen=True)
class Group:
    """Distributions in one folder.

    Attributes:
        name: of the group.
        requirements: pinned, with all that they depend on.
        use: a program that uses them: ``libraries.toml`` says how.
        small: whether it is one of the test suite.
    """

    name: str
    requirements: tuple[str, ...]
    use: str
    small: bool

    def folder(self) -> Path:
        """Return the folder with the distributions, installed once."""
        return installed(self.requirements, "--no-deps", "--only-binary=:all:")


def groups() -> tuple[Group, ...]:
    """Return every group."""
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["group"]
    return tuple(Group(row["name"], tuple(row["requirements"]), row["use"], row.get("small", False)) for row in rows)


def libraries(root: Path) -> Iterator[Path]:
    """Yield every ELF file below the folder, symlinks left out."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found = file.read(4) == b"\x7fELF"
            if found:
                yield path


def copy_trimmed(root: Path, copy: Path) -> dict[str, str]:
    """Make a copy of a folder with its libraries trimmed; what stays as it is is the same file.

    Returns:
        Why libraries were left alone, by their paths; empty for those that were trimmed.
    """
    shutil.copytree(root, copy, symlinks=True, copy_function=_link)
    names = {str(path.relative_to(root)) for path in root.rglob("*")}
    reasons = {}
    for path in libraries(root):
        name = str(path.relative_to(root))
        if not may_be_library(name):
            reasons[name] = "its name is not a library's"
        elif found := sum_beside(name, names):
            reasons[name] = f"its sum or signature is beside it: {found}"
        else:
            trimmed = trim(path.read_bytes())
            reasons[name] = trimmed.reason
            if trimmed.saved:
                fresh = copy / f"{name}.trimmed"
                fresh.write_bytes(trimmed.data)
                fresh.chmod(path.stat().st_mode)
                fresh.replace(copy / name)
    return reasons


def _link(path: str, copy: str) -> None:
    try:
        os.link(path, copy)
    except OSError:  # another disk
        shutil.copy2(path, copy)


def load_each(root: Path, python: Sequence[str] = (sys.executable,)) -> dict[str, str]:
    """Return what became of each library that was loaded, in a process of its own: ``loaded``, or why not."""
    names = [str(path.relative_to(root)) for path in libraries(root)]
    answer: dict[str, str] = json.loads(_run(_LOAD, root, json.dumps(names), python))
    return answer


def use(group: Group, root: Path) -> Any:
    """Return the answer of the group's program with the distributions in a folder."""
    return json.loads(_run(_USE, root, group.use).splitlines()[-1])


def _run(script: str, root: Path, given: str, python: Sequence[str] = (sys.executable,)) -> str:
    command = [*python, "-c", script, str(root)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": "/tmp", "HOME": "/tmp"}
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=environment)
    if ran.returncode:
        raise RuntimeError(f"{root.name}: {ran.returncode}: {ran.stderr[-2000:]}")
    return ran.stdout
