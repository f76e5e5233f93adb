"""Libraries trimmed, or behind symlinks into /tmp, are loaded and used as before, in processes of their own."""

import json
import os
import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.local.sandbox.code_store import unpack
from deployer.package import index, open_file
from deployer.package.folder import pack_folder
from deployer.slim import pack
from deployer.slim.fit import fit
from deployer.slim.transforms.elf import trim
from tests.kept import KEPT, installed
from tests.libraries import Group, copy_trimmed, groups, libraries, load_each, use

PINNED = [
    *("cffi==2.1.1", "cryptography==50.0.2", "numpy==2.4.6", "pillow==13.0.0", "psycopg2-binary==2.9.13"),
    *("pycparser==3.12", "shapely==2.2.0", "uvloop==0.23.0"),
]
USE_ALL = """
import io, json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import psycopg2.extensions
import shapely
import uvloop
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image, features
matrix = np.arange(90000, dtype=float).reshape(300, 300) % 17 + np.eye(300)
picture = Image.fromarray((matrix * 14).astype("uint8")).resize((64, 64), Image.Resampling.LANCZOS)
packed = {}
for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, kind)
    packed[kind] = Image.open(buffer).convert("L").getpixel((9, 9))
circle = shapely.Point(0, 0).buffer(2)
async def answer():
    return 42
print(json.dumps({
    "files": [module.__file__.startswith(sys.argv[1]) for module in (np, shapely, Image, uvloop)],
    "solve": float(np.linalg.solve(matrix, matrix[0]).round(6)[0]),
    "fft": float(abs(np.fft.fft(matrix[0])).sum().round(3)),
    "random": np.random.default_rng(7).integers(0, 1000, 5).tolist(),
    "packed": packed,
    "freetype": features.check("freetype2"),
    "area": circle.intersection(shapely.box(0, 0, 1, 1)).area,
    "union": shapely.union_all([circle, shapely.box(1, 1, 5, 5)]).wkt[:200],
    "sealed": AESGCM(bytes(32)).encrypt(bytes(12), b"secret", b"").hex(),
    "signed": Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(b"text").hex(),
    "dsn": psycopg2.extensions.parse_dsn("host=a port=1"),
    "loop": uvloop.run(answer()),
}))
"""
LIBRARY = r"""
#include <math.h>
#include <stdio.h>
#include <string.h>
static __thread int counter = 7;
static __thread char scratch[5000];
static char zeros[100000];
static const char *names[] = {"one", "two", "three"};
static int started;
__attribute__((constructor)) static void start(void) { started = 5; }
int total(int x) {
    counter += x;
    scratch[4999] = (char)x;
    memset(zeros + 500, 1, 10);
    int kept = counter + started + (int)strlen(names[2]);
    return kept + zeros[505] + zeros[99999] + scratch[4999] + (int)sqrt(x);
}
int main(void) { printf("%d\n", total(9)); return 0; }
"""
SHAPES = {
    "library": ["-shared", "-fPIC"],
    "library, pages of 64 KB": ["-shared", "-fPIC", "-Wl,-z,max-page-size=65536"],
    "executable": [],
}
STATIC = pytest.param("static executable", marks=pytest.mark.slow("compiles a C library first"))
STATICALLY = ["-static", "-target", f"{platform.machine()}-linux-musl"]


def answers(script: str, *arguments: str) -> dict[str, object]:
    command = [sys.executable, "-c", script, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


def loads(library: bytes) -> list[tuple[int, int, bytes]]:
    """Address, size in memory and bytes of each loaded segment, headers left out."""
    count = struct.unpack_from("<H", library, 56)[0]
    found = []
    for fields in struct.iter_unpack("<IIQQQQQQ", library[64 : 64 + 56 * count]):
        kind, _, offset, address, _, size, memory, align = fields
        if kind == 1:
            assert (address - offset) % align == 0
            found.append((address, memory, library[offset or 64 + 56 * count : offset + size]))
    return found


def fetched(*options: str) -> Path:
    """Return a folder with the pinned distributions."""
    return installed(PINNED, "--no-deps", "--only-binary=:all:", *options)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the pinned distributions as they are, and with trimmed libraries."""
    before = fetched()
    after = tmp_path_factory.mktemp("trimmed") / "packages"
    copy_trimmed(before, after)
    return before, after


@pytest.mark.network
def test_each_library_is_loaded_as_before(pair: tuple[Path, Path]) -> None:
    before, after = pair
    as_before = load_each(before)
    assert list(as_before.values()).count("loaded") > 60
    assert load_each(after) == as_before


@pytest.mark.network
@pytest.mark.parametrize("group", [group for group in groups() if group.small], ids=lambda group: group.name)
def test_plugins_are_found_and_loaded_as_before(group: Group, tmp_path: Path) -> None:
    """Those of others that read libraries as files too: Qt its plugins, DuckDB its extensions (``bench libraries``)."""
    before, after = group.folder(), tmp_path / "trimmed"
    reasons = copy_trimmed(before, after)
    as_before = use(group, before)
    assert "" in reasons.values()
    assert len(as_before["found"]) > 1
    assert use(group, after) == as_before
    assert load_each(after) == load_each(before)


@pytest.mark.network
def test_real_functions_give_the_same_answers(pair: tuple[Path, Path]) -> None:
    before, after = pair
    as_before = answers(USE_ALL, str(before))
    assert as_before["files"] == [True] * 4
    assert answers(USE_ALL, str(after)) == as_before


@pytest.mark.network
def test_trimming_is_worth_it(pair: tuple[Path, Path]) -> None:
    before, after = (sum(path.stat().st_size for path in libraries(root)) for root in pair)
    assert after < 0.85 * before


@pytest.mark.network
def test_arm64_libraries_are_mapped_as_before() -> None:
    platforms = [f"--platform=manylinux{glibc}_aarch64" for glibc in ("2014", "_2_27", "_2_28", "_2_34")]
    paths = list(libraries(fetched("--python-version=3.11", *platforms)))
    assert len(paths) > 60
    for path in paths:
        library = path.read_bytes()
        assert loads(trim(library).data) == loads(library), path


@pytest.mark.parametrize("shape", [*SHAPES, STATIC])
def test_what_a_compiler_makes_runs_as_before(shape: str, tmp_path: Path) -> None:
    (tmp_path / "total.c").write_text(LIBRARY)
    before, after = tmp_path / "before", tmp_path / "after"
    compiler = [sys.executable, "-m", "ziglang", "cc", "-g", "-O1", *SHAPES.get(shape, STATICALLY), "-o", str(before)]
    cache = {name: str(KEPT.with_name("zig")) for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    command = [*compiler, str(tmp_path / "total.c"), "-lm"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **cache})
    trimmed = trim(before.read_bytes())
    assert trimmed.reason == ""
    after.write_bytes(trimmed.data)
    after.chmod(0o755)
    assert used(after, shape) == used(before, shape) == 7 + 9 + 5 + 5 + 1 + 9 + 3


def used(built: Path, shape: str) -> int:
    script = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).total(9))"
    command = [sys.executable, "-c", script, str(built)] if "library" in shape else [str(built)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_libraries_behind_symlinks_into_tmp_are_found_and_find_each_other(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    """``$ORIGIN`` of a library that a symlink leads to is the symlink's folder, so its neighbours are found there."""
    zipped = tmp_path / "slim.zip"
    pack_folder(pair[1], zipped)
    with open_file(zipped) as source:
        package = index(source)
    chosen = next(filter(None, (fit(package, over, {}, 0) for over in range(package.bytes, 0, -1_000_000))))
    assert len([path for path in chosen if ".libs/" in path]) > 5
    pack(zipped, package, chosen)
    first = zipped.read_bytes()
    task = tmp_path / "task"
    task.mkdir()
    unpack(zipped, task)
    assert all((task / path).is_symlink() for path in chosen)
    own = task / ".ldeploy"
    command = [sys.executable, str(own / "probe_layer/unpack.py"), str(own / "manifest.json"), "/tmp"]
    root = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    try:
        assert answers(USE_ALL, str(task)) == answers(USE_ALL, str(pair[1]))
    finally:
        remove(root)
    pack_folder(pair[1], zipped)
    pack(zipped, package, chosen)
    assert zipped.read_bytes() == first


def remove(root: Path) -> None:
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    shutil.rmtree(root)
    root.with_name(f"{root.name}.lock").unlink()
