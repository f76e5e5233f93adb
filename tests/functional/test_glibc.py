"""The C library that the shims ask for is older than that of any of Lambda's runtimes: 2.26 is its oldest."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import probe_layer
from tests.kept import KEPT

LAYER = Path(probe_layer.__file__).parent
VERSION = re.compile(rb"\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?(?=\0)")
MACHINES = ("x86_64", "aarch64")


def asked(library: Path) -> set[tuple[int, int]]:
    """The versions of glibc's symbols that a library names, in its table of names."""
    return {(int(major), int(minor)) for major, minor in VERSION.findall(library.read_bytes())}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("shim", ["shim", "guard/shim"])
def test_no_symbol_is_newer_than_2_17(shim: str, machine: str) -> None:
    versions = asked(LAYER / shim / f"{machine}.so")
    assert max(versions, default=(0, 0)) <= (2, 17)
    assert bool(versions) == (shim == "guard/shim"), "the probe's shim asks for no version at all"


@pytest.mark.slow("a C library is compiled first")
def test_a_library_for_a_newer_one_is_told(tmp_path: Path) -> None:
    """That the test above can fail: the same reading, of a library that wants 2.34."""
    (tmp_path / "new.c").write_text('#include <sys/stat.h>\nint f(struct stat *s) { return stat("x", s); }\n')
    cache = {name: str(KEPT.with_name("zig")) for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    target = ["-target", "x86_64-linux-gnu.2.34", "-shared", "-fPIC"]
    command = [sys.executable, "-m", "ziglang", "cc", *target, "-o", "new.so", "new.c"]
    subprocess.run(command, cwd=tmp_path, env=cache, check=True)
    assert max(asked(tmp_path / "new.so")) > (2, 17)
