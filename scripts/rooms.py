"""Counts the rooms of deployer/ and the imports between them, and checks the layout.

A room is a folder of ``deployer/`` with all below it, or a module directly in it, or ``probe_layer``. An import between
rooms is a pair of rooms of which a module of the first imports a module of the second, counted once however many
modules do; each pair is an arrow that a reader of the layout has to know. The number of pairs of modules stands beside
it.
"""

import argparse
import ast
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import grimp

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("deployer", "probe_layer")

MOST_ROOMS: Final = 25
MOST_IMPORTS: Final = 150
MOST_MODULES: Final = 14
"""Directly in deployer/."""
LONGEST_MODULE: Final = 300
LONGEST_FUNCTION: Final = 60
MAP: Final = "README.md"


@dataclass(frozen=True)
class Layout:
    """What was counted."""

    rooms: frozenset[str]
    imports: frozenset[tuple[str, str]]
    """Pairs of rooms."""
    module_imports: int
    """Pairs of modules of different rooms."""

    def __str__(self) -> str:
        return (
            f"{len(self.rooms)} rooms, {len(self.imports)} imports between rooms "
            f"({self.module_imports} between modules of different rooms)"
        )


def layout(tree: Path) -> Layout:
    """Count the rooms and imports of a source tree."""
    sys.path.insert(0, str(tree))
    try:
        graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    finally:
        sys.path.remove(str(tree))
    pairs = [
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if room(importer) != room(imported)
    ]
    rooms = frozenset(map(room, graph.modules)) - {"deployer"}
    imports = frozenset((room(importer), room(imported)) for importer, imported in pairs)
    known = frozenset(pair for pair in imports if "deployer" not in pair)  # the version alone
    return Layout(rooms, known, sum("deployer" not in (room(one), room(two)) for one, two in pairs))


def room(module: str) -> str:
    """Return the room that a module is in."""
    names = module.split(".")
    return ".".join(names[: 1 if names[0] != "deployer" else 2])


def layout_at(commit: str) -> Layout:
    """Count the rooms and imports of a commit."""
    command = ["git", "archive", commit, *PACKAGES]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
        return layout(Path(folder))


# -- what must hold; which module may import which is in pyproject.toml ------------------------------------------------


def faults(tree: Path) -> Iterator[str]:
    """Return what is not as it should be, one sentence each."""
    found = layout(tree)
    yield from _over("rooms", len(found.rooms), MOST_ROOMS)
    yield from _over("imports between rooms", len(found.imports), MOST_IMPORTS)
    yield from _over("modules directly in deployer/", len(list((tree / "deployer").glob("*.py"))), MOST_MODULES)
    for path in _modules(tree):
        yield from _long(path.relative_to(tree), path.read_text())
    yield from _not_in_map(tree / "deployer")


def _over(what: str, count: int, most: int) -> Iterator[str]:
    if count > most:
        yield f"{count} {what}: at most {most}"


def _long(path: Path, text: str) -> Iterator[str]:
    yield from _over(f"lines in {path}", len(text.splitlines()), LONGEST_MODULE)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield from _over(f"lines in {node.name} of {path}", lines, LONGEST_FUNCTION)


def _not_in_map(package: Path) -> Iterator[str]:
    described = (package / MAP).read_text()
    for folder in sorted({path.parent for path in package.rglob("*.py")} - {package}):
        name = folder.relative_to(package).as_posix()
        if f"`{name}/`" not in described:
            yield f"deployer/{MAP} has no line on `{name}/`"


def _modules(tree: Path) -> Iterable[Path]:
    return (path for package in PACKAGES for path in sorted((tree / package).rglob("*.py")))


def main() -> None:
    """Print the counts of a tree, or fail with what is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", metavar="COMMIT", help="count a commit in place of the work tree")
    parser.add_argument("--check", action="store_true", help="fail where the layout is not as it should be")
    asked = parser.parse_args()
    print(layout_at(asked.at) if asked.at else layout(ROOT))
    if asked.check and (wrong := list(faults(ROOT))):
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
