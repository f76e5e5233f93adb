"""What Lambda's image for Python holds, put together from this server's own interpreter and environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from deployer.errors import UsageError

PYTHON: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""The one runtime at hand."""

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
    """The read-only parts that every sandbox has in common."""

    runtime: Path
    """What /var/runtime shows."""
    lang: Path
    """What /var/lang shows: the interpreter's own prefix."""
    packages: Mapping[str, str]
    """Name in site-packages -> path on this machine."""
    libraries: tuple[Path, ...] = ()
    """libpython, where the interpreter was linked to look for it by a path outside of the system's folders."""


def make_image(folder: Path) -> Image:
    """Write the runtime's files to ``folder`` and find the rest.

    Raises:
        UsageError: a distribution that the runtime needs is not installed.
    """
    write_runtime(folder)
    lang = Path(sys.base_prefix).resolve()
    libraries = () if lang.is_relative_to("/usr") else tuple(sorted(lang.glob("lib/libpython3*.so*")))
    return Image(folder, lang, site_packages(), libraries)


def write_runtime(folder: Path, root: str = "") -> None:
    """Write the two files of /var/runtime; ``root`` stands before /var and /opt where there is no namespace."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("bootstrap", "bootstrap.py"):
        text = (RUNTIME_FILES / name).read_text()
        (folder / name).write_text(text.replace("@ROOT@", root).replace("@PYTHON@", PYTHON))
        (folder / name).chmod(0o755)


def site_packages() -> dict[str, str]:
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
