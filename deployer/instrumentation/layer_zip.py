"""Our Lambda layers, the probe and the start of a guarded package: files of ``probe_layer`` in a zip, the same bytes
each time.

Lambda unpacks a layer below /opt. A layer's zip keeps its files' modes
(https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html).
"""

import io
import marshal
import sys
import zipfile
from collections.abc import Iterable, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from typing import Final

from deployer.errors import LdeployError

LAYER_NAME: Final = "ldeploy-probe"
"""The probe layer's name in Lambda."""

START_LAYER_NAME: Final = "ldeploy-start"
"""The name of the layer that leads to the wrapper of a package that was made to fit, or is guarded."""

OUR_LAYERS: Final = frozenset({LAYER_NAME, START_LAYER_NAME})

FOLDER: Final = "/opt/ldeploy"
"""Where the probe layer's files are in the sandbox."""

WRAPPER: Final = f"{FOLDER}/wrapper"
"""The value of AWS_LAMBDA_EXEC_WRAPPER while the probe is in."""

START_WRAPPER: Final = f"/opt/{START_LAYER_NAME}/wrapper"
"""Its value where a package was made to fit, or is guarded: other code than that package is started as ever."""

PACKAGE_VARIABLE: Final = "LDEPLOY_PACKAGE"
"""Environment variable with the label of the package and a nonce, copied into each record."""

WRAPPER_VARIABLE: Final = "LDEPLOY_WRAPPER"
"""Environment variable with the wrapper that the function had before, called by ours."""

UNLABELLED: Final = "unlabelled"
"""What PACKAGE_VARIABLE begins with where a template set it: it cannot know the label of the package that it deploys.
What follows is the stack's own, so that no caller can forge a record."""

SAMPLE_VARIABLE: Final = "LDEPLOY_SAMPLE"
"""Environment variable with the share of sandboxes that report, a decimal between 0 and 1; absent where all do."""

MACHINES: Final = ("x86_64", "aarch64")
"""Lambda's architectures, as ``uname -m`` names them."""

_DATE: Final = (2000, 1, 1, 0, 0, 0)
_FILE: Final = 0o100644 << 16
_PROGRAM: Final = 0o100755 << 16


def build_layer(name: str = LAYER_NAME) -> bytes:
    """Return a layer's zip, for both architectures and every Python runtime: the probe's is under 170 KB.

    Args:
        name: of the layer, one of ours.

    Raises:
        LdeployError: the shim was not compiled.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in _members(name).items():
            archive.writestr(_header(path), content)
    return stream.getvalue()


def layer_size(name: str = LAYER_NAME) -> int:
    """Return the bytes that a layer of ours takes unzipped: they count towards Lambda's limit.

    Raises:
        LdeployError: the shim was not compiled.
    """
    return sum(len(content) for content in _members(name).values())


START: Final = "start"
"""The wrapper of a package that was made to fit, and the files of ours that go into the package."""
_BRINGING: Final = ("__init__", "entry", "fetch")
"""What of ours the guard's fetcher uses beside its own files."""
_STARTED: Final = ("__init__", "entry", "fetch", "manifest", "record", "unpack", "workers")


def start_files() -> list[tuple[str, bytes]]:
    """Return what unpacks a package at start without the layer: paths below ``.ldeploy``, contents, bytecode too."""
    return _with_bytecode([f"{name}.py" for name in _STARTED])


def guard_files(machines: Sequence[str] = MACHINES) -> list[tuple[str, bytes]]:
    """Return what brings back what was dropped: path below ``.ldeploy`` and contents, bytecode too.

    Args:
        machines: those of ``MACHINES`` whose shim is needed.

    Raises:
        LdeployError: the shim was not compiled.
    """
    shipped = files("probe_layer") / "guard"
    own = [f"guard/{file.name}" for file in shipped.iterdir() if file.name.endswith(".py")]
    shims = {f"guard/{machine}.so": _shim(shipped, machine).read_bytes() for machine in machines}
    return sorted([*_with_bytecode([*(f"{name}.py" for name in _BRINGING), *own]), *shims.items()])


def _with_bytecode(names: Iterable[str]) -> list[tuple[str, bytes]]:
    shipped = files("probe_layer")
    sources = {f"probe_layer/{name}": shipped.joinpath(*name.split("/")).read_bytes() for name in names}
    compiled = {_bytecode_of(name): _compile(name, source) for name, source in sources.items()}
    return sorted({START: (shipped / START).read_bytes(), **sources, **compiled}.items())


def _members(name: str) -> dict[str, bytes]:
    """Return every file of a layer by its path below /opt, sorted."""
    shipped = files("probe_layer")
    if name == START_LAYER_NAME:
        return {START_WRAPPER.removeprefix("/opt/"): (shipped / "start_anyway").read_bytes()}
    members = {"ldeploy/wrapper": shipped / "wrapper"}
    members |= {f"ldeploy/shim/{machine}.so": _shim(shipped, machine) for machine in MACHINES}
    members |= {f"ldeploy/probe_layer/{file.name}": file for file in shipped.iterdir() if file.name.endswith(".py")}
    contents = {name: file.read_bytes() for name, file in members.items()}
    compiled = {_bytecode_of(name): _compile(name, source) for name, source in contents.items() if name.endswith(".py")}
    return dict(sorted((contents | compiled).items()))


def _bytecode_of(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"


def _compile(name: str, source: bytes) -> bytes:
    """Return bytecode without docstrings that is not checked against its source (PEP 552): /opt is read-only, and
    compiling takes 6 ms a start.

    Only runtimes of the minor version that runs here use it. Marshal's version 2 has no references,
    which would differ from run to run.
    """
    code = compile(source, f"/opt/{name}", "exec", dont_inherit=True, optimize=2)
    return MAGIC_NUMBER + (1).to_bytes(4, "little") + source_hash(source) + marshal.dumps(code, 2)


def _shim(shipped: Traversable, machine: str) -> Traversable:
    shim = shipped / "shim" / f"{machine}.so"
    if not shim.is_file():
        raise LdeployError(f"The probe's shim for {machine} is not built.", "Run scripts/build-layer.")
    return shim


def _header(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix: the mode counts
    info.external_attr = _FILE if name.endswith((".py", ".pyc")) else _PROGRAM
    return info


if __name__ == "__main__":  # what `sam build` runs (scripts/Makefile): the layer's files below a folder
    with zipfile.ZipFile(io.BytesIO(build_layer())) as layer:
        for member in layer.infolist():
            place = Path(sys.argv[1], member.filename)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(layer.read(member))
            place.chmod(member.external_attr >> 16 & 0o777)
