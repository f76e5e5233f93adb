"""Wheels in a package that the function's runtime cannot load: of another Python, another processor, a newer glibc.

Sources: platform compatibility tags (https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/),
PEP 600 (manylinux), and Lambda's runtimes
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html): Amazon Linux 2 has glibc 2.26, 2023 has 2.34.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deployer.models.package import Kind, Package, Source
from deployer.package import members

_WHEEL: Final = re.compile(r"(?:.*/)?([^/]+)-([^/-]+)\.dist-info/WHEEL")
_EXTENSION: Final = re.compile(r".*\.cpython-(\d)(\d+)-(\w+)-linux-gnu\.so")
_MANYLINUX: Final = re.compile(r"manylinux(1|2010|2014|_2_(\d+))_(\w+)")
_GLIBC: Final[Mapping[str, int]] = {"1": 5, "2010": 12, "2014": 17}
_MACHINES: Final = {"x86_64": "x86_64", "arm64": "aarch64"}
_LONGEST: Final = 1 << 20


@dataclass(frozen=True)
class Machine:
    """What a function's runtime is."""

    minor: int
    """Of Python 3."""
    architecture: str
    """As ``uname -m`` has it."""

    @property
    def glibc(self) -> int:
        """The minor version of glibc 2: Amazon Linux 2 up to Python 3.11, then Amazon Linux 2023."""
        return 26 if self.minor < 12 else 34


def check_wheels(source: Source, package: Package, runtime: str, architecture: str) -> tuple[str, ...]:
    """Return a sentence for each wheel, or extension module of none, that the runtime cannot load.

    Args:
        source: the zip.
        package: its index.
        runtime: as Lambda names it, ``python3.11``.
        architecture: likewise, ``arm64``.

    Raises:
        PackageError: the data of a WHEEL file is damaged.
    """
    machine = Machine(int(runtime.partition("python3.")[2] or 0), _MACHINES.get(architecture, architecture))
    wheels = [entry for path, entry in package.entries.items() if _WHEEL.fullmatch(path) and entry.size <= _LONGEST]
    files = (entry for entry in wheels if entry.kind is Kind.FILE)
    told = {entry.path: contents.decode("utf-8", "replace") for entry, contents in members.unpacked(source, files)}
    found = [text for path, wheel in told.items() if (text := _wheel(path, wheel, machine))]
    return tuple(found or _modules(package, machine))


def _wheel(path: str, wheel: str, machine: Machine) -> str:
    """Return why a wheel cannot be loaded, and what installs one that can; empty where it can, or does not say."""
    tags = [tag for line in re.findall(r"(?m)^Tag:\s*(\S+)", wheel) for tag in _expanded(line)]
    reasons = [_refused(*tag, machine) for tag in tags]
    if not reasons or "" in reasons:
        return ""
    match = _WHEEL.fullmatch(path)
    name, version = match.groups() if match else (path, "")
    return f"{name} {version} is {reasons[-1]}. Install one that fits: {_command(f'{name}=={version}', machine)}"


def _expanded(tag: str) -> Iterator[tuple[str, str, str]]:
    """Yield each tag of a compressed one: ``py2.py3-none-any``."""
    if tag.count("-") == 2:
        pythons, abis, platforms = (part.split(".") for part in tag.split("-"))
        yield from ((python, abi, platform) for python in pythons for abi in abis for platform in platforms)


def _refused(python: str, abi: str, platform: str, machine: Machine) -> str:
    """Return why a tag is not for a machine; empty where it is."""
    version = re.fullmatch(r"cp3(\d+)", python)
    if version and int(version[1]) != machine.minor and not (abi == "abi3" and int(version[1]) <= machine.minor):
        return f"for Python 3.{version[1]}, and the function's is 3.{machine.minor}"
    if not (version or re.fullmatch(r"py3\d*", python)):
        return f"for {python}, and the function's is Python 3.{machine.minor}"
    if platform == "any":
        return ""
    if not platform.endswith(machine.architecture) or not platform.startswith(("manylinux", "linux")):
        return f"for {platform}, and the function runs on Linux with glibc on {machine.architecture}"
    needs = _MANYLINUX.fullmatch(platform)
    glibc = int(needs[2] or _GLIBC[needs[1]]) if needs else 0
    if glibc > machine.glibc:
        return f"built for glibc 2.{glibc}, and python3.{machine.minor} has 2.{machine.glibc}"
    return ""


def _modules(package: Package, machine: Machine) -> Iterator[str]:
    """Yield the first extension module of another Python or processor: not every build keeps the metadata."""
    own = str(machine.minor), machine.architecture
    names = ((path, _EXTENSION.fullmatch(path)) for path in package.entries)
    others = [path for path, name in names if name and (name[2], name[3]) != own]
    twins = (re.sub(r"cpython-.*", f"cpython-3{own[0]}-{own[1]}-linux-gnu.so", path) for path in others)
    lone = [path for path, twin in zip(others, twins, strict=True) if twin not in package.entries]
    if lone:
        more = f" and {len(lone) - 1} more" if lone[1:] else ""
        yield (
            f"{lone[0]}{more} cannot be loaded by Python 3.{own[0]} on {own[1]}. "
            f"Install what fits: {_command('-r requirements.txt', machine)}"
        )


def _command(what: str, machine: Machine) -> str:
    platforms = (f"--platform manylinux{name}_{machine.architecture}" for name in ("2014", f"_2_{machine.glibc}"))
    only = f"pip install --only-binary :all: --python-version 3.{machine.minor}"
    return f"{only} {' '.join(platforms)} --target FOLDER {what}"
