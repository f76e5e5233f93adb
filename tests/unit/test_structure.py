"""The house: arrows between modules run one way, and modules stay small enough to live in."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for folder in ("deployer", "probe_layer") for path in (ROOT / folder).rglob("*.py"))


def test_arrows_between_modules_run_one_way():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def asked_rooms(expression: str, tree: Path) -> list[str]:
    """What scripts/rooms.py finds in a tree, asked in a process that has imported nothing of deployer/."""
    code = f"import sys, pathlib, rooms; tree = pathlib.Path(sys.argv[1]); print(*{expression}, sep='\\n')"
    command = [sys.executable, "-c", code, str(tree)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run(command, cwd=ROOT / "scripts", env=environment, capture_output=True, text=True, check=True)
    return list(filter(None, done.stdout.splitlines()))


def test_the_layout_is_as_the_map_says():
    assert asked_rooms("rooms.faults(tree)", ROOT) == []


def a_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"deployer/__init__.py": "", "probe_layer/__init__.py": "", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_folder_without_a_line_in_the_map_a_long_function_and_too_many_modules_are_faults(tmp_path):
    files = {
        "deployer/attic/__init__.py": "",
        "deployer/attic/long.py": "def long() -> None:\n" + "    pass\n" * 61,
        "deployer/README.md": "Nothing.",
    }
    modules = {f"deployer/module{number}.py": "" for number in range(15)}
    assert asked_rooms("rooms.faults(tree)", a_tree(tmp_path, files | modules)) == [
        "16 modules directly in deployer/: at most 14",
        "62 lines in long of deployer/attic/long.py: at most 60",
        "deployer/README.md has no line on `attic/`",
    ]


def test_imports_between_rooms_count_once_however_many_modules_import(tmp_path):
    files = {
        "deployer/a/__init__.py": "",
        "deployer/a/one.py": "import deployer.b.x",
        "deployer/a/two.py": "import deployer.b.x, deployer.c",
        "deployer/b/__init__.py": "",
        "deployer/b/x.py": "",
        "deployer/c.py": "",
    }
    counted = "4 rooms, 2 imports between rooms (3 between modules of different rooms)"
    assert asked_rooms("[rooms.layout(tree)]", a_tree(tmp_path, files)) == [counted]


def test_only_one_module_imports_boto3():
    found = {path.relative_to(ROOT).as_posix() for path in MODULES if "import boto3" in path.read_text()}
    assert found == {"deployer/aws/clients.py"}


UNIT = sorted((ROOT / "tests" / "unit").glob("test_*.py"))
HEAVY = ("moto", "flask", "werkzeug", "awslambdaric", "samtranslator", "tests.functional", "deployer.local")
IMPORT_ALL = """
import importlib, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split()))  # whoever imports one of them fails
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


def test_unit_tests_import_no_moto_and_nothing_of_the_other_tiers():
    names = [f"tests.unit.{path.stem}" for path in UNIT]
    command = [sys.executable, "-c", IMPORT_ALL, " ".join(HEAVY), *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unit_tests_need_no_compiled_shim_and_no_network():
    needy = re.compile("build_layer\\(|mark[.]network")
    assert [path.name for path in UNIT if needy.search(path.read_text())] == []
