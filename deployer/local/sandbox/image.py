"""What Lambda's image for Python holds: this server's own interpreter and environment, or a root file system."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from deployer.errors import UsageError
from deployer.models.image import RootImage

PYTHON: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""The runtime that is at hand without an image."""

DISTRIBUTIONS: Final = (
    "awslambdaric",
    "snapshot-restore-py",
    "simplejson",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "python-dateutil",
    "six",
    "urllib3",
)
"""What stands in /var/lang/lib/python3.X/site-packages of AWS's image, pip and setuptools aside."""

RUNTIME_FILES: Final = Path(__file__).with_name("runtime")


@dataclass(frozen=True)
class Image:
    """The read-only parts that every sandbox of one runtime has in common."""

    python: str
    """The runtime, as Lambda names it; its interpreter has the same name."""
    runtime: Path
    """What /var/runtime shows."""
    lang: Path
    """What /var/lang shows: the interpreter's own prefix."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Name in site-packages -> path on this machine; none where /var/lang has what it needs."""
    libraries: tuple[Path, ...] = ()
    """libpython, where the interpreter was linked to look for it by a path outside of the system's folders."""
    system: Path = Path("/")
    """Where /usr, /etc and the system's other folders come from."""

    @property
    def site(self) -> str:
        """Where the runtime client stands, inside a sandbox."""
        return f"/var/lang/lib/{self.python}/site-packages"


@dataclass(frozen=True)
class Images:
    """What this embedded AWS can run functions on."""

    own: Image
    """This machine's own: it serves a function of its version, whatever architecture that is declared for."""
    given: Mapping[tuple[str, str], Image] = field(default_factory=dict)
    """Runtime and architecture -> the image that a user has given for them."""

    def find(self, runtime: str, architecture: str) -> Image | None:
        """Return what a function runs on; None where nothing of its version is at hand."""
        return self.given.get((runtime, architecture)) or (self.own if runtime == self.own.python else None)

    def __str__(self) -> str:
        """Return the runtimes, for a message."""
        return ", ".join([self.own.python, *(f"{runtime} on {machine}" for runtime, machine in sorted(self.given))])


def make_image(folder: Path) -> Image:
    """Write the runtime's files to ``folder`` and find the rest.

    Raises:
        UsageError: a distribution that the runtime needs is not installed.
    """
    write_runtime(folder, PYTHON)
    lang = Path(sys.base_prefix).resolve()
    libraries = () if lang.is_relative_to("/usr") else tuple(sorted(lang.glob("lib/libpython3*.so*")))
    return Image(PYTHON, folder, lang, site_packages(), libraries)


def unpacked_image(image: RootImage, folder: Path) -> Image:
    """Return a root file system as sandboxes show it; write the runtime's files to ``folder`` where it has none."""
    own = image.folder / "var/runtime"
    if not (own / "bootstrap").is_file():
        write_runtime(folder, image.runtime)
        own = folder
    return Image(image.runtime, own, image.folder / "var/lang", system=image.folder)


def write_runtime(folder: Path, python: str, root: str = "") -> None:
    """Write the two files of /var/runtime; ``root`` stands before /var and /opt where there is no namespace."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("bootstrap", "bootstrap.py"):
        text = (RUNTIME_FILES / name).read_text()
        (folder / name).write_text(text.replace("@ROOT@", root).replace("@PYTHON@", python))
        (folder / name).chmod(0o755)


@cache
def site_packages() -> Mapping[str, str]:
    """Return the top-level names of Lambda's own packages, and where they are in this environment.

    Raises:
        UsageError: one of them is not installed.
    """
    found: dict[str, str] = {}
    for name in DISTRIBUTIONS:
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            raise UsageError(
                f"The embedded AWS needs the distribution {name}, which is not installed.",
                "Install ldeploy with its extra: pip install 'ldeploy[local]'.",
            ) from None
        tops = {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}
        found |= {top: str(Path(str(installed.locate_file(top))).resolve()) for top in sorted(tops)}
    return found
