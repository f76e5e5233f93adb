"""The packages that ``bench_sizes`` puts side by side: each made from the same full folder, in a folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deployer.evidence import gather
from deployer.models.evidence import LogEvent
from deployer.models.package import Package
from deployer.models.slim import Saving
from deployer.models.whitelist import Rules, Whitelist
from deployer.package import examine, index, open_file, pack_folder
from deployer.slim import Recipe, Settings, recipe, write_slim
from deployer.slim.transforms.empty import EmptyScanned
from deployer.whitelist import Surroundings, choose
from probe_layer.record import encode
from tests.functional.probe_host import Host, witnessed

OPENS = ("strace", "-ff", "-y", "-s", "4096", "-e", "trace=open,openat,execve", "-o")
SLIM_PATTERNS = ("*.pyc", "*.pyo")
"""serverless-python-requirements' ``slim: true``: ``**/*.py[c|o]``, ``**/__pycache__*``, ``**/*.dist-info*``
(https://github.com/serverless/serverless-python-requirements, lib/slim.js)."""
NO_SHARED_MEMORY = "mount -t tmpfs -o ro none /dev/shm"
"""As in Lambda, so that joblib and others take another way than they do here."""
OWN_TMP = "mount -t tmpfs none /tmp"
"""Empty at first: matplotlib, for one, looks at every font where it finds no list of them."""
STRIP = ("-name", "*.so", "-exec", "strip", "{}", ";")
"""Its way to strip, as it has it."""
RUNTIME = f"python3.{sys.version_info.minor}"
WHITELIST = Settings(trim=False, bytecode=False)
STEPS = {
    "ldeploy: whitelist": WHITELIST,
    "+ libraries trimmed": replace(WHITELIST, trim=True),
    "+ bytecode": replace(WHITELIST, trim=True, bytecode=True),
    "+ scanned files emptied (`--empty`)": replace(WHITELIST, trim=True, bytecode=True, empty=True),
    "- sources (`--no-source`)": replace(WHITELIST, trim=True, bytecode=True, source=False),
    "both": replace(WHITELIST, trim=True, bytecode=True, empty=True, source=False),
}
"""Ours, step by step."""


def runtime(folder: Path) -> str:
    """An interpreter that has what Lambda's runtime has and no more: a module that only this project's own environment
    has would make a function import others than in Lambda.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        names = ("awslambdaric", "boto3", "botocore")
        pins = [f"{name}=={version(name)}" for name in names]
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins], check=True)
    return str(python)


@cache
def hidden(*mounts: str) -> tuple[str, ...]:
    """A prefix that gives a command these mounts of its own, where this user may and they do not hide us ourselves."""
    prefix = ("unshare", "-m", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh")
    if not shutil.which("unshare"):
        return ()
    tried = subprocess.run([*prefix, "test", "-e", __file__], capture_output=True, check=False)
    return () if tried.returncode else prefix


@dataclass(frozen=True)
class Variant:
    """One package: its folder, and its zip."""

    folder: Path
    zip: Path
    savings: tuple[Saving, ...] = ()

    @property
    def bytes(self) -> int:
        """Unpacked."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if not path.is_dir())


@dataclass(frozen=True)
class Workshop:
    """One function: its full package, its events, and where the others are made."""

    full: Path
    events: tuple[object, ...]
    place: Path
    python: str
    """The runtime's interpreter."""

    def answers(self, folder: Path) -> list[Any]:
        """To all the events, of a package in a sandbox of its own."""
        return (
            self.host(folder)
            .run(self.events, probe=False, python=self.python, prefix=hidden(NO_SHARED_MEMORY, OWN_TMP))
            .answers
        )

    def host(self, task: Path) -> Host:
        """A new sandbox with this package."""
        number = len(list(self.place.glob("host-*")))
        (home := self.place / f"host-{number}").mkdir()
        host = Host(home)
        host.task = task
        return host

    def variants(self) -> Iterator[tuple[str, Callable[[], Variant]]]:
        """Each kind of package by its name, made when it is called."""
        yield "full", lambda: self._zipped(self.full, "full")
        yield "only what was opened (2018)", lambda: self._zipped(self._opened(), "opened")
        yield "serverless-python-requirements slim", lambda: self._zipped(self._slim("slim"), "slim")
        if shutil.which("strip"):
            yield "the same, strip", lambda: self._zipped(self._stripped(), "stripped")
        package, whitelist = self.chosen()
        for name, settings in STEPS.items():
            made = recipe(package, whitelist, settings, RUNTIME)
            if not settings.empty or made.of(EmptyScanned):
                yield name, partial(self._ours, package, made)

    def _zipped(self, folder: Path, name: str) -> Variant:
        out = self.place / f"{name}.zip"
        if not out.exists():
            pack_folder(folder, out)
        return Variant(folder, out)

    def _opened(self) -> Path:
        """The files that the function opens, as a filter by atime or strace finds them."""
        (traces := self.place / "traces").mkdir()
        host = self.host(self.full)
        host.run(
            self.events,
            probe=False,
            python=self.python,
            prefix=[*hidden(NO_SHARED_MEMORY, OWN_TMP), *OPENS, str(traces / "trace")],
        )
        return self._copy(sorted(witnessed(traces, self.full)), self.place / "opened")

    def _copy(self, paths: Iterable[str], to: Path) -> Path:
        for path in paths:
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.full / path, to / path, follow_symlinks=False)
        return to

    def _slim(self, name: str) -> Path:
        left_out = shutil.ignore_patterns(*SLIM_PATTERNS, "__pycache__*", "*.dist-info*")
        return Path(shutil.copytree(self.full, self.place / name, symlinks=True, ignore=left_out))

    def _stripped(self) -> Path:
        folder = self._slim("stripped")
        subprocess.run(["find", str(folder), *STRIP], check=False, capture_output=True)
        return folder

    def chosen(self, *keep: str) -> tuple[Package, Whitelist]:
        """What ``ldeploy shrink`` would choose after one sandbox with all events."""
        zipped = self._zipped(self.full, "full").zip
        with open_file(zipped) as source:
            package = index(source)
            examined = examine(source, package)
        labelled = {"LDEPLOY_PACKAGE": package.label}
        run = self.host(self.full).run(
            self.events, environment=labelled, python=self.python, prefix=hidden(NO_SHARED_MEMORY, OWN_TMP)
        )
        lines = [line for record in run.records for line in encode(record)]
        log = [LogEvent(str(number), number, line) for number, line in enumerate(lines)]
        evidence = gather(log, package.label)
        return package, choose(examined, evidence, Rules(keep), Surroundings("app.handler"))

    def _ours(self, package: Package, made: Recipe) -> Variant:
        name = f"ours-{len(list(self.place.glob('ours-*.zip')))}"
        with open_file(self.place / "full.zip") as source:
            slim = write_slim(source, package, made, self.place / f"{name}.zip")
        subprocess.run(["unzip", "-q", f"{name}.zip", "-d", name], cwd=self.place, check=True)
        return Variant(self.place / name, self.place / f"{name}.zip", slim.steps)
