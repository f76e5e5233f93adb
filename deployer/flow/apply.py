"""A fresh build -> the same build slim, in its place, by a whitelist kept in the repository; asks nothing of AWS.

    build (folder or zip) ─► whitelist carried over ─► slim.zip ─► in the place of the build

What CI runs between ``sam build`` and ``sam deploy``: the same build gives the same bytes each time. All is made in a
folder beside the build, which is exchanged at the end: a run that is cut off leaves the build as it was.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from deployer.errors import NotEnoughEvidenceError, PackageError, UsageError
from deployer.flow.load_package import pack_build, read_full, sha256_of
from deployer.instrumentation.configure import EXEC_WRAPPER, FIT_WRAPPER
from deployer.instrumentation.manifest import FOLDER
from deployer.limits import MIB, UNZIPPED, is_python
from deployer.models.evidence import Evidence
from deployer.models.package import Package, Source
from deployer.models.settings import Guarding, Settings
from deployer.models.slim import Measure
from deployer.models.whitelist import Rules, Whitelist
from deployer.notices import Notices
from deployer.package import examine, index, open_file, unpack
from deployer.package.pyc import find_stale
from deployer.report import models
from deployer.report.reasons import reasons
from deployer.slim.build import SlimPackage, SlimRequest, build
from deployer.slim.fit import check_fits
from deployer.slim.guard import GuardRequest
from deployer.state.workspace import put_whole
from deployer.whitelist import carry_over, changed_since, completed, drop_stale, is_applied

FULL: Final = "full.zip"
SLIM: Final = "slim.zip"
BEFORE: Final = "before"
"""Where the build is while it is exchanged."""
_SAME: Final = 0.5
"""The share of a whitelist's paths that a build must hold to be taken for a build of the same function."""


@dataclass(frozen=True)
class ApplyRequest:
    """What ``apply`` was asked for."""

    whitelist: Whitelist
    build: Path
    """The build: a folder or a zip."""
    rules: Rules
    settings: Settings
    runtime: str
    """Empty for the whitelist's own."""
    strict: bool
    """Whether evidence of other versions is refused."""
    zip: Path | None
    """Where the slim zip is put: beside the folder, which is made slim too, or in place of changing a zip."""


def apply(request: ApplyRequest, notices: Notices) -> models.ApplyReport:
    """Make a build slim, in its place; another run on the same one waits, and finds it done.

    Raises:
        UsageError: there is no such build, or nobody says for which runtime it is.
        PackageError: it is not a build of the function that the whitelist was made for, or cannot be packed.
        NotEnoughEvidenceError: distributions changed since the evidence was collected, and that is not wanted.
        OverLimitError: it is over Lambda's limit even so.
    """
    build = request.build.resolve()
    with _alone(build.parent), _beside(build) as scratch:
        if not build.exists():
            raise UsageError(
                f"There is no folder or zip {request.build}.", "Give the folder or the zip that the build wrote."
            )
        full = build if build.is_file() else scratch / FULL
        if build.is_dir():
            pack_build(build, full, notices)
        with open_file(full) as source:
            report = _slimmed(request, source, full, scratch, notices)
        made = scratch / SLIM if report.state == "applied" else full
        if request.zip:
            put_whole(made, request.zip)
        if report.state == "applied":
            _exchange(build, scratch, in_place=not request.zip)
    return report


def _slimmed(request: ApplyRequest, source: Source, full: Path, scratch: Path, notices: Notices) -> models.ApplyReport:
    name = request.build
    package = read_full(source, f"{name}", notices)
    examined = examine(source, package)
    _check_guard(request)
    settings = replace(request.settings, fit=request.settings.fit and (request.zip is not None or name.is_file()))
    before = completed(request.whitelist, examined)
    before = replace(before, runtime=request.runtime or before.runtime)
    _check(before, package, settings)
    measure = Measure(package.files, package.bytes, package.zip_bytes, sha256_of(full))
    done = models.ApplyReport(f"{name}", "unchanged", measure, measure, models.limits(measure, 0), ())
    old_code = find_stale(source, package)
    if is_applied(before, examined) and not old_code and not (name / FOLDER).is_dir():
        return done
    stale = changed_since(before, package, examined.distributions)
    if stale and request.strict:
        raise NotEnoughEvidenceError(
            f"The evidence is out of date: {', '.join(stale)}.", "Probe the new build, or omit --strict."
        )
    whitelist = drop_stale(carry_over(before, examined, request.rules), old_code)
    nothing = Evidence(package.label, {})
    guard = GuardRequest(label=package.label) if settings.guard is Guarding.INSIDE else None
    parts = SlimRequest(
        source, package, whitelist, settings, before.runtime, True, nothing, scratch / SLIM, guard=guard
    )
    built = build(parts, UNZIPPED, notices)
    _check_fits(whitelist, package, built, request)
    return replace(
        done,
        state="applied",
        stale=stale,
        after=built.measure,
        limits=models.limits(built.measure, 0),
        steps=built.steps,
        reasons=reasons(package, whitelist.decisions),
        zip=str(request.zip or ""),
        needs=needs(built),
        warnings=(*whitelist.warnings, *built.warnings),
    )


def _check_guard(request: ApplyRequest) -> None:
    """Refuse a guard for a folder alone: who packs it follows its links, which lead nowhere yet."""
    if request.settings.guard is Guarding.INSIDE and not request.zip and request.build.is_dir():
        raise UsageError("A guarded build is a zip: the links in it lead nowhere yet.", "Give --zip FILE.")


def _check(whitelist: Whitelist, package: Package, settings: Settings) -> None:
    known = [path for path, one in whitelist.decisions.items() if one.kept]
    there = sum(path in package.entries for path in known)
    if there < _SAME * len(known):
        raise PackageError(
            f"The build holds {there:,} of the {len(known):,} paths that the whitelist keeps: it is another build.",
            "Give the build of the function that the whitelist was made for, or probe this one.",
        )
    if settings.bytecode and not is_python(whitelist.runtime):
        raise UsageError(
            "The whitelist does not say for which runtime bytecode is to be made.",
            "Give --runtime python3.11 or the like, or --no-bytecode.",
        )


def _check_fits(whitelist: Whitelist, package: Package, built: SlimPackage, request: ApplyRequest) -> None:
    hint = "" if request.zip or not request.settings.fit else ", which --zip would allow to be packed,"
    check_fits(package, whitelist, built.measure.bytes, 0, f"The slim build{hint}")


def needs(built: SlimPackage) -> dict[str, str]:
    """Return what the template must give a function whose package unpacks something at start, or is guarded."""
    wrapper = {"Environment": f"{EXEC_WRAPPER}: {FIT_WRAPPER}"}
    if not built.unpacked:
        return wrapper if built.guard else {}
    return {"EphemeralStorage": f"Size: {512 + built.unpacked // MIB + 1}", **wrapper}


# -- in the place of the build -----------------------------------------------------------------------------------


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Wait until no other run works below a folder, and keep others waiting; a run that is killed leaves no lock."""
    try:
        descriptor = os.open(parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"There is no folder {parent}.", "Give the one that the build wrote.") from error
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _beside(build: Path) -> Iterator[Path]:
    """Yield a folder beside the build; what a run that was cut off left there is put right first."""
    scratch = build.with_name(f".{build.name}.ldeploy")
    if (scratch / BEFORE).exists() and not build.exists():
        (scratch / BEFORE).rename(build)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def _exchange(build: Path, scratch: Path, *, in_place: bool) -> None:
    """Put the slim build in the place of the full one: a folder, or a zip that is to be changed in place."""
    if build.is_dir():
        _exchange_folder(build, scratch)
    elif in_place:
        (scratch / SLIM).chmod(build.stat().st_mode & 0o7777)
        (scratch / SLIM).replace(build)


def _exchange_folder(folder: Path, scratch: Path) -> None:
    slim = scratch / "slim"
    slim.mkdir()
    with open_file(scratch / SLIM) as source:
        unpack(source, index(source), slim)
    slim.chmod(folder.stat().st_mode & 0o7777)
    folder.rename(scratch / BEFORE)
    slim.rename(folder)
