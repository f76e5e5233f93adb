"""However a dropped file is asked for, a guarded package answers as the full one does."""

import ast
import shutil
from collections.abc import Iterator

import pytest

from deployer.slim.guard import GuardMode
from tests.functional import guard_build
from tests.functional.guard_host import Packages, answer, packages
from tests.functional.local_aws import cloud
from tests.images import CHOSEN

pytestmark = pytest.mark.skipif(not (CHOSEN or shutil.which("cc")), reason="no C compiler is installed")

SOURCE = (guard_build.SUITE / "askers.py").read_text()
ASKERS = [
    node.name for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
]
FAILED = ("ModuleNotFoundError", "FileNotFoundError", "OSError")
NO_MISS = {"scanned"}
"""What asks for nothing that must be brought."""


@pytest.fixture(scope="module", params=list(GuardMode))
def made(request, tmp_path_factory) -> Iterator[Packages]:
    folder = tmp_path_factory.mktemp("guard")
    build = guard_build.build(folder / "build")
    with cloud(settle=0) as here:
        built = packages(here, folder, build, guard_build.is_kept, request.param, guard_build.is_emptied)
        for kind in ("full", "guarded"):
            built.create(kind, kind)
            built.cloud.invoke(kind, {"ask": "absent_module"})
        yield built


@pytest.mark.parametrize("name", ASKERS)
def test_the_answer_is_that_of_the_full_package(made: Packages, name: str) -> None:
    before = len(made.misses("guarded"))
    full = answer(made.cloud.invoke("full", {"ask": name}))
    assert not str(full).startswith(FAILED)
    assert answer(made.cloud.invoke("guarded", {"ask": name})) == full
    said = made.misses("guarded", before + (name not in NO_MISS))[before:]
    assert not [line for line in said if line.fault or not line.served]
    assert bool(said) == (name not in NO_MISS)
