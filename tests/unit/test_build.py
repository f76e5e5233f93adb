"""A slim zip that is bigger than the full one is said to be, with what it has for it."""

import sys
import zipfile
from pathlib import Path

import pytest

from deployer.limits import UNZIPPED
from deployer.models.evidence import Evidence
from deployer.models.package import Examined
from deployer.models.settings import Settings
from deployer.models.whitelist import Rules
from deployer.notices import Silent
from deployer.package import index, open_file
from deployer.slim.build import SlimPackage, SlimRequest, build
from deployer.whitelist import Surroundings, choose
from tests.unit.whitelists import evidence

RUNTIME = f"python3.{sys.version_info.minor}"
SOURCE = "".join(f"def f{number}(x):\n    return x + {number}\n" for number in range(40))


@pytest.fixture
def full(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "full.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {"app.py": SOURCE, "pkg/__init__.py": "", "pkg/b.py": SOURCE, "gone.bin": "x" * 50}.items():
            archive.writestr(name, text)
    return tmp_path / "full.zip"


def built(full: Path, settings: Settings) -> SlimPackage:
    with open_file(full) as source:
        package = index(source)
        seen = evidence("app.py", "pkg/b.py", "pkg/__init__.py")
        whitelist = choose(Examined(package), seen, Rules(), Surroundings("app.handler"))
        nothing = Evidence(package.label, {})
        request = SlimRequest(
            source,
            package,
            whitelist,
            settings,
            RUNTIME,
            layered=False,
            evidence=nothing,
            path=full.with_name("slim.zip"),
        )
        return build(request, UNZIPPED, Silent())


def test_a_slim_zip_that_is_bigger_is_said_with_what_it_saves(full: Path) -> None:
    found = built(full, Settings())
    (warning,) = found.warnings
    sizes = f"{found.measure.zip_bytes:,} bytes, more than the full one's {full.stat().st_size:,}"
    assert warning.startswith(f"The slim zip has {sizes}: bytecode")
    assert f"the compiling of {2 * len(SOURCE):,} bytes of sources" in warning
    assert "--no-bytecode leaves it out" in warning


@pytest.mark.parametrize("settings", [Settings(bytecode=False), Settings(bytecode=False, trim=False)])
def test_nothing_is_said_of_a_smaller_one(full: Path, settings: Settings) -> None:
    assert built(full, settings).warnings == ()


def test_an_empty_module_gets_no_bytecode(full: Path) -> None:
    built(full, Settings())
    with zipfile.ZipFile(full.with_name("slim.zip")) as archive:
        made = [name for name in archive.namelist() if name.endswith(".pyc")]
    assert len(made) == 2
    assert not [name for name in made if "__init__" in name]
