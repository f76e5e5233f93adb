"""What happens to each kept path, and what a slim zip is made of when it happened."""

import json
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from deployer.models.evidence import Touch
from deployer.models.package import Kind, Package
from deployer.models.slim import Measure
from deployer.models.whitelist import Whitelist
from deployer.package import index, open_file
from deployer.slim import Recipe, Settings, Slim, recipe, write_slim
from deployer.slim.transforms.bytecode import AddBytecode
from deployer.slim.transforms.elf import TrimLibraries
from deployer.slim.transforms.empty import EmptyScanned
from tests.unit.test_elf import make
from tests.unit.whitelists import chosen, evidence, package

RUNTIME = "python3.11"
ALL = Settings()
TRIM, COMPILE, EMPTY = TrimLibraries.name, AddBytecode.name, EmptyScanned.name
REPLACE = "replaced by bytecode"


def actions(
    whole: Package,
    opened: Iterable[str],
    settings: Settings = ALL,
    looked: Iterable[str] = (),
    browsed: Iterable[str] = (),
) -> dict[str, str]:
    whitelist = chosen(whole, evidence(*opened, looked=looked, browsed=browsed))
    return named(recipe(whole, whitelist, settings, RUNTIME))


def named(made: Recipe) -> dict[str, str]:
    """Path -> what happens to it."""
    replaced = {path for one in made.transforms if isinstance(one, AddBytecode) for path in one.changes}
    return {path: REPLACE if path in replaced else one.name for path, one in made.by_path.items()}


def test_libraries_and_programs_may_be_trimmed_and_modules_compiled() -> None:
    names = ["a/x.so", "libs/liby.so.1.2", "bin/tool", "a/m.py", "a/data.txt"]
    found = actions(package(*names), names)
    assert found == {
        "a/x.so": TRIM,
        "libs/liby.so.1.2": TRIM,
        "bin/tool": TRIM,
        "a/m.py": COMPILE,
    }


def test_a_source_that_nothing_opened_gets_no_bytecode() -> None:
    assert actions(package("a/__init__.py", "a/m.py"), ["a/m.py"]) == {"a/m.py": COMPILE}


def test_nothing_happens_where_no_step_is_wanted() -> None:
    assert actions(package("a/x.so", "a/m.py"), ["a/x.so", "a/m.py"], Settings(trim=False, bytecode=False)) == {}


def test_a_source_that_a_symlink_leads_to_keeps_its_place() -> None:
    whole = package("a/m.py", "a/n.py", links={"m.py": "a/m.py"})
    found = actions(whole, ["a/m.py", "a/n.py", "m.py"], Settings(source=False))
    assert found == {"a/m.py": COMPILE, "a/n.py": REPLACE}


@pytest.mark.parametrize("names", [[f"data/{n}/service.json" for n in range(150)], [f"zones/{n}" for n in range(150)]])
def test_a_scan_is_many_of_one_name_or_in_one_folder(names: list[str]) -> None:
    emptying = Settings(trim=False, bytecode=False, empty=True)
    whole = package("app.py", "pkg/asked.xsd", *names)
    found = actions(whole, ["app.py", names[0]], emptying, looked=["pkg/asked.xsd", *names])
    assert found == dict.fromkeys(names[1:], EMPTY)
    few = actions(whole, ["app.py"], emptying, looked=names[:99])
    assert few == {}


def test_in_a_browsed_folder_modules_keep_their_names_and_those_that_were_not_opened_get_no_bytecode() -> None:
    whole = package("plugins/one.py", "plugins/two.py", "other.py")
    found = actions(whole, ["plugins/one.py", "other.py"], Settings(source=False), browsed=["plugins"])
    assert found == {"plugins/one.py": COMPILE, "other.py": REPLACE}


def test_a_source_that_was_opened_as_a_file_or_by_another_process_keeps_its_place() -> None:
    seen = evidence("imported.py", "shown.py", "script.py")
    opened, read = frozenset({Touch.OPENED}), frozenset({Touch.OPENED, Touch.READ})
    shim, both = frozenset({"shim"}), frozenset({"shim", "audit"})
    how = {"imported.py": (opened, both), "shown.py": (read, both), "script.py": (opened, shim)}
    paths = {path: replace(seen.paths[path], touches=kinds, witnesses=by) for path, (kinds, by) in how.items()}
    whole = package(*how)
    found = named(recipe(whole, chosen(whole, replace(seen, paths=paths)), Settings(source=False), RUNTIME))
    assert found == {"imported.py": REPLACE, "shown.py": COMPILE, "script.py": COMPILE}


def test_hundreds_of_names_that_were_browsed_are_a_scan_too() -> None:
    names = [f"zones/{n}" for n in range(150)]
    found = actions(package(*names), names[:1], Settings(trim=False, bytecode=False, empty=True), browsed=["zones"])
    assert found == dict.fromkeys(names[1:], EMPTY)


# -- written -------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(tmp_path: Path) -> Path:
    path = tmp_path / "full.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "import a.m\n" * 9)
        archive.writestr("a/m.py", "VALUE = 1\n")
        archive.writestr("a/template.py", "{{ name }} = 1\n")
        archive.writestr("a/odd.so", b"\x7fELF" + bytes(500))
        archive.writestr("a/script.so", "INPUT(libc.so.6)")
    return path


def slimmed(full: Path, settings: Settings, runtime: str, out: Path) -> Slim:
    with open_file(full) as source:
        whole = index(source)
        names = [path for path, entry in whole.entries.items() if entry.kind is Kind.FILE]
        whitelist: Whitelist = chosen(whole, evidence(*names))
        return write_slim(source, whole, recipe(whole, whitelist, settings, runtime), out)


def test_without_an_interpreter_of_the_runtime_it_goes_on_without_and_says_so(full: Path, tmp_path: Path) -> None:
    for settings in (ALL, Settings(source=False)):
        slim = slimmed(full, settings, "python3.99", tmp_path / "slim.zip")
        assert "no interpreter of python3.99" in slim.warnings[0]
        with zipfile.ZipFile(tmp_path / "slim.zip") as archive:
            assert "a/m.py" in archive.namelist()
            assert not [name for name in archive.namelist() if name.endswith(".pyc")]


def test_what_is_no_library_or_does_not_compile_stays_as_it_is(full: Path, tmp_path: Path) -> None:
    slim = slimmed(full, ALL, _this(), tmp_path / "slim.zip")
    with zipfile.ZipFile(tmp_path / "slim.zip") as archive, zipfile.ZipFile(full) as before:
        for name in before.namelist():
            assert archive.read(name) == before.read(name)
        assert archive.testzip() is None
    left = {step.name: dict(step.left_alone) for step in slim.steps}
    assert left["bytecode added"] == {"does not compile": 1}
    assert sum(left["libraries trimmed"].values()) == 1
    assert json.loads(json.dumps([asdict(step) for step in slim.steps]))[-1]["left_alone"] == {"does not compile": 1}


def test_a_library_in_the_middle_of_another_file_is_no_library(tmp_path: Path) -> None:
    image = bytes(1 << 20) + make()
    with zipfile.ZipFile(tmp_path / "image.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/image", image)
    slimmed(tmp_path / "image.zip", ALL, _this(), tmp_path / "slim.zip")
    with zipfile.ZipFile(tmp_path / "slim.zip") as archive:
        assert archive.read("data/image") == image


def test_the_steps_add_up_to_what_was_written(full: Path, tmp_path: Path) -> None:
    slim = slimmed(full, Settings(source=False), _this(), tmp_path / "slim.zip")
    first, *others = slim.steps
    assert first.bytes_after + sum(step.bytes_after - step.bytes_before for step in others) == slim.measure.bytes
    assert slim.measure == again(full, tmp_path)


def again(full: Path, tmp_path: Path) -> Measure:
    return slimmed(full, Settings(source=False), _this(), tmp_path / "again.zip").measure


def _this() -> str:

    return f"python3.{sys.version_info.minor}"
