"""Root file systems that functions run on, in place of this machine's own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.local import Isolation, Limits
from deployer.models.image import RootImage, read_image
from tests.functional.local_aws import RUNTIME, cloud
from tests.images import EMULATED, NAMES, each, find
from tests.kept import KEPT, once

OTHER = "python3.10" if RUNTIME != "python3.10" else "python3.12"
A_C_LIBRARY = pytest.mark.slow("a C library is compiled first")
PROGRAM = """
#include <stdio.h>
int main(void) {
    char text[16];
    FILE *file = fopen("/etc/image", "r");
    return file && fgets(text, sizeof text, file) ? printf("image %s", text) > 0 ? 3 : 1 : 0;
}
"""
FACTS = """
import os, platform, sys
import awslambdaric

def handler(event, context):
    return [
        "python%d.%d" % sys.version_info[:2], platform.machine(), sys.executable, sys.prefix, os.getuid(),
        os.path.dirname(awslambdaric.__file__), sys.path[:4], event,
    ]
"""


@pytest.fixture(scope="module")
def program() -> Path:
    """Return a static program that says in whose file system it runs, and ends with 3 there."""

    def compile_it(folder: Path) -> None:
        (folder / "main.c").write_text(PROGRAM)
        zig = {name: str(KEPT.with_name("zig")) for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl", "-static"]
        subprocess.run([*command, "-o", str(folder / "program"), str(folder / "main.c")], env=zig, check=True)

    return once("static-program", [PROGRAM], compile_it) / "program"


def image_of(program: Path, folder: Path, mark: str) -> RootImage:
    """A root file system with one program, in the place of every other, and a mark of its own."""
    for place in ("bin/true", f"var/lang/bin/{OTHER}", "var/runtime/bootstrap"):
        (folder / place).parent.mkdir(parents=True)
        shutil.copy(program, folder / place)
    (folder / "etc").mkdir()
    return read_image(OTHER, folder)


@A_C_LIBRARY
def test_a_function_runs_on_the_image_of_its_runtime_and_no_other(program: Path, tmp_path: Path) -> None:
    image = image_of(program, tmp_path / "image", "")
    with cloud(images=[image]) as here:
        (image.folder / "etc/image").write_text("of a test\n")
        here.create("other", "", Runtime=OTHER)
        here.create("own", "import os\ndef handler(e, c): return os.path.exists('/etc/image')")
        result = here.invoke("other")
        assert here.invoke("own").value is False
    assert result.value["errorMessage"].endswith("exit status 3")
    assert "image of a test\n" in result.log


@A_C_LIBRARY
def test_an_image_for_another_architecture_is_not_taken(program: Path, tmp_path: Path) -> None:
    image = image_of(program, tmp_path / "image", "")
    with cloud(images=[image]) as here:
        here.create("other", "", Runtime=OTHER, Architectures=["arm64"])
        with pytest.raises(Exception, match=f"runs {RUNTIME}, {OTHER} on x86_64 only. For arm64, give --image"):
            here.invoke("other")


@A_C_LIBRARY
def test_what_cannot_be_run_here_is_said_at_the_start(program: Path, tmp_path: Path) -> None:
    image = image_of(program, tmp_path / "image", "")
    with (
        pytest.raises(UsageError, match="needs mount namespaces"),
        cloud(images=[image], limits=Limits(isolation=Isolation.PLAIN)),
    ):
        pass
    (image.folder / "bin/true").write_bytes(b"\x7fELF\x02 and nothing more")
    with pytest.raises(UsageError, match=r"No program of .* can be run here"), cloud(images=[image]):
        pass


@each(*NAMES, *EMULATED)
def test_a_function_has_the_images_own_interpreter_and_runtime_client(name: str) -> None:
    image = find(name)
    with cloud(images=[image]) as here:
        here.create("facts", FACTS, Runtime=image.runtime, Architectures=[image.architecture])
        value = here.invoke("facts", 5).value
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[image.architecture]
    site = f"/var/lang/lib/{image.runtime}/site-packages"
    paths = ["/var/task", f"/opt/python/lib/{image.runtime}/site-packages", "/opt/python", site]
    interpreter = f"/var/lang/bin/{image.runtime}"
    assert value == [image.runtime, machine, interpreter, "/var/lang", 993, f"{site}/awslambdaric", paths, 5]
