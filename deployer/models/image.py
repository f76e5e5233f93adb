"""Root file systems laid out as Lambda's: an interpreter of its own at ``/var/lang``, and the C library that it wants.

``scripts/images`` makes some; an image of AWS's, unpacked, is one too.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from deployer.errors import UsageError
from deployer.limits import is_python

Architecture = Literal["x86_64", "arm64"]
_ARCHITECTURES: Final[dict[int, Architecture]] = {62: "x86_64", 183: "arm64"}
"""By the number in an ELF file's header (e_machine)."""
_LOADERS: Final[dict[Architecture, tuple[str, ...]]] = {
    "x86_64": ("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib64/ld-linux-x86-64.so.2"),
    "arm64": ("lib/aarch64-linux-gnu/ld-linux-aarch64.so.1", "lib/ld-linux-aarch64.so.1"),
}
"""Where Debian has its dynamic loader, and where others have: there, Debian's is an absolute symlink."""
_LIBRARIES: Final = ("lib64", "usr/lib64", "lib/{}-linux-gnu", "usr/lib/{}-linux-gnu", "var/lang/lib")
_ADVICE: Final = "scripts/images makes such folders and says where they are."


@dataclass(frozen=True)
class RootImage:
    """A root file system that functions of one runtime and architecture can run on."""

    runtime: str
    """As Lambda names it: ``python3.13``."""
    architecture: Architecture
    folder: Path

    def command(self) -> list[str]:
        """Return how this machine runs the image's interpreter where it lies: by the image's own loader."""
        machine = {"x86_64": "x86_64", "arm64": "aarch64"}[self.architecture]
        libraries = ":".join(str(self.folder / path.format(machine)) for path in _LIBRARIES)
        loaders = [self.folder / path for path in _LOADERS[self.architecture]]
        loader = next((path for path in loaders if path.is_file()), loaders[-1])
        return [str(loader), "--library-path", libraries, str(interpreter(self.folder, self.runtime))]


def interpreter(folder: Path, runtime: str) -> Path:
    """Return where an image has its interpreter."""
    return folder / "var/lang/bin" / runtime


def read_image(runtime: str, folder: Path) -> RootImage:
    """Return what a folder holds, for one of Lambda's runtimes; its interpreter tells the architecture.

    Raises:
        UsageError: the runtime is no Python, or the folder has none of that version.
    """
    if not is_python(runtime):
        raise UsageError(
            f"{runtime} is not a runtime that an image can be given for.", "Write python3.13=DIR, for example."
        )
    program = interpreter(folder, runtime)
    try:
        with program.open("rb") as file:
            header = file.read(20)
    except OSError as error:
        raise UsageError(f"{folder} has no var/lang/bin/{runtime}: {error.strerror}.", _ADVICE) from error
    machine = struct.unpack_from("<H", header, 18)[0] if header[:5] == b"\x7fELF\x02" and len(header) == 20 else 0
    if machine not in _ARCHITECTURES:
        raise UsageError(f"{program} is not a program for x86_64 or arm64.", _ADVICE)
    return RootImage(runtime, _ARCHITECTURES[machine], folder.absolute())


def images_folder() -> Path:
    """Return where ``scripts/images`` keeps what it makes."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LDEPLOY_IMAGES") or Path(cache, "ldeploy", "images"))


def kept_image(runtime: str, architecture: Architecture) -> RootImage | None:
    """Return the image that ``scripts/images`` has made for a runtime, if there is one."""
    folder = images_folder() / f"{runtime}-{architecture}"
    return read_image(runtime, folder) if interpreter(folder, runtime).is_file() else None
