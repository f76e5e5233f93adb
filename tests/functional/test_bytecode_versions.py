"""Bytecode by each version of Python that is on this machine: it is what that version's own compiler makes of it."""

import subprocess
from pathlib import Path

import pytest

from deployer.slim.transforms import bytecode_child
from deployer.slim.transforms.bytecode_compile import find_interpreter
from tests.images import NAMES, each, find

COMPARE = """
import marshal, os, sys
sys.path.insert(0, sys.argv[1])
from bytecode_child import compiled

def told(value):
    if isinstance(value, (frozenset, tuple)):
        inner = [told(each) for each in value]
        return type(value), sorted(inner, key=repr) if isinstance(value, frozenset) else inner
    if not hasattr(value, "co_code"):
        return repr(value)
    lines = next(getattr(value, name) for name in ("co_positions", "co_lines", "co_lnotab") if hasattr(value, name))
    parts = [name for name in dir(value) if name.startswith("co_") and name not in LINES]
    return [told(getattr(value, name)) for name in parts] + list(lines() if callable(lines) else lines)

LINES = ("co_positions", "co_lines", "co_lnotab", "co_linetable", "co_branches")
folder = os.path.dirname(os.__file__)
for name in sorted(os.listdir(folder)):
    if name.endswith(".py") and name < "e":
        with open(os.path.join(folder, name), "rb") as file:
            source = file.read()
        code = compile(source, name, "exec", dont_inherit=True)
        assert told(marshal.loads(compiled(source, name)[16:])) == told(code), name
        print(name)
"""


@pytest.mark.parametrize("minor", range(9, 15))
def test_the_bytecode_is_the_compilers_own_to_each_line_and_constant(minor: int) -> None:
    if not (python := find_interpreter(f"python3.{minor}")):
        pytest.skip(f"python3.{minor} is not on this machine")
    compare(python, minor)


@each(*NAMES)
def test_the_bytecode_of_an_image_is_its_own_compilers(name: str) -> None:
    image = find(name)
    compare(image.command(), int(image.runtime.removeprefix("python3.")))


def compare(python: list[str], minor: int) -> None:
    """What we compile is what the interpreter's own compiler makes."""
    folder = str(Path(bytecode_child.__file__).parent)
    command = [*python, "-s", "-S", "-B", "-W", "ignore", *(["-X", "no_debug_ranges"] if minor > 10 else [])]
    done = subprocess.run([*command, "-c", COMPARE, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 30
