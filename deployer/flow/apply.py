"""A fresh build -> the same build slim, in its place, by a whitelist kept in the repository; asks nothing of AWS.

    build ─► full.zip ─► whitelist carried over ─► slim.zip ─► folder ─► in the place of the build

What CI runs between ``sam build`` and ``sam deploy``: the same build gives the same bytes each time. All is made in a
folder beside the build, which is exchanged at the end: a run that is cut off leaves the build as it was.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from deployer.errors import NotEnoughEvidenceError, PackageError, UsageError
from deployer.flow.load_package import sha256_of
from deployer.instrumentation.configure import EXEC_WRAPPER, FIT_WRAPPER
from deployer.limits import MIB, UNZIPPED, is_python
from deployer.models.evidence import Evidence
from deployer.models.package import Package, Source
from deployer.models.slim import Measure
from deployer.models.whitelist import Rules, Whitelist
from deployer.notices import Notices
from deployer.package import examine, index, open_file, pack_folder, unpack
from deployer.package.pyc import find_stale
from deployer.report import models
from deployer.report.reasons import reasons
from deployer.slim import Settings
from deployer.slim.build import SlimPackage, SlimRequest, build
from deployer.slim.fit import check_fits
from deployer.whitelist import carry_over, changed_since, drop_stale

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
    folder: Path
    """The build."""
    rules: Rules
    settings: Settings
    runtime: str
    """Empty for the whitelist's own."""
    strict: bool
    """Whether evidence of other versions is refused."""
    zip: Path | None
    """Where the slim zip is put too."""


def apply(request: ApplyRequest, notices: Notices) -> models.ApplyReport:
    """Makes a build slim, in its place.

    Raises:
        UsageError: there is no such folder, or nobody says for which runtime it is.
        PackageError: it is not a build of the function that the whitelist was made for, or cannot be packed.
        NotEnoughEvidenceError: distributions changed since the evidence was collected, and that is not wanted.
        OverLimitError: it is over Lambda's limit even so.
    """
    folder = request.folder.resolve()
    with _beside(folder) as scratch:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {request.folder}.", "Give the one that the build wrote.")
        pack_folder(folder, scratch / FULL)
        with open_file(scratch / FULL) as source:
            report = _slimmed(request, source, scratch, notices)
        if report.state == "applied":
            _exchange(folder, scratch, request.zip)
    return report


def _slimmed(request: ApplyRequest, source: Source, scratch: Path, notices: Notices) -> models.ApplyReport:
    package = index(source)
    examined = examine(source, package)
    settings = replace(request.settings, fit=request.settings.fit and request.zip is not None)
    before = replace(request.whitelist, runtime=request.runtime or request.whitelist.runtime)
    _check(before, package, settings)
    whitelist = carry_over(before, examined, request.rules)
    stale = changed_since(before, package, examined.distributions)
    if stale and request.strict:
        raise NotEnoughEvidenceError(
            f"The evidence is out of date: {', '.join(stale)}.", "Probe the new build, or leave --strict out."
        )
    measure = Measure(package.files, package.bytes, package.zip_bytes, sha256_of(scratch / FULL))
    done = models.ApplyReport(str(request.folder), "unchanged", measure, measure, models.limits(measure, 0), stale)
    old_code = find_stale(source, package)
    if _is_applied(before, package) and not old_code:
        return done
    whitelist = drop_stale(whitelist, old_code)
    nothing = Evidence(package.label, {})
    parts = SlimRequest(source, package, whitelist, settings, before.runtime, True, nothing, scratch / SLIM)
    built = build(parts, UNZIPPED, notices)
    _check_fits(whitelist, package, built, request)
    return replace(
        done,
        state="applied",
        after=built.measure,
        limits=models.limits(built.measure, 0),
        steps=built.steps,
        reasons=reasons(package, whitelist.decisions),
        zip=str(request.zip or ""),
        needs=_needs(built),
        warnings=(*whitelist.warnings, *built.warnings),
    )


def _check(whitelist: Whitelist, package: Package, settings: Settings) -> None:
    known = [path for path, one in whitelist.decisions.items() if one.kept]
    there = sum(path in package.entries for path in known)
    if there < _SAME * len(known):
        raise PackageError(
            f"The folder holds {there:,} of the {len(known):,} paths that the whitelist keeps: it is another build.",
            "Give the build of the function that the whitelist was made for, or probe this one.",
        )
    if settings.bytecode and not is_python(whitelist.runtime):
        raise UsageError(
            "The whitelist does not say for which runtime bytecode is to be made.",
            "Give --runtime python3.11 or the like, or --no-bytecode.",
        )


def _is_applied(whitelist: Whitelist, package: Package) -> bool:
    """Whether nothing is there of what the whitelist drops: a fresh build has all that pip installs."""
    dropped = [path for path, one in whitelist.decisions.items() if not one.kept]
    return bool(dropped) and not any(path in package.entries for path in dropped)


def _check_fits(whitelist: Whitelist, package: Package, built: SlimPackage, request: ApplyRequest) -> None:
    hint = "" if request.zip or not request.settings.fit else ", which --zip would allow to be packed,"
    check_fits(package, whitelist, built.measure.bytes, 0, f"The slim build{hint}")


def _needs(built: SlimPackage) -> dict[str, str]:
    """What the template must give a function whose package unpacks something at start."""
    if not built.unpacked:
        return {}
    storage = 512 + built.unpacked // MIB + 1
    return {"EphemeralStorage": f"Size: {storage}", "Environment": f"{EXEC_WRAPPER}: {FIT_WRAPPER}"}


# -- in the place of the build -----------------------------------------------------------------------------------


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder beside the build for as long as it takes; what a run that was cut off left there is put right first."""
    scratch = folder.with_name(f".{folder.name}.ldeploy")
    if (scratch / BEFORE).exists() and not folder.exists():
        (scratch / BEFORE).rename(folder)
    shutil.rmtree(scratch, ignore_errors=True)
    if not folder.parent.is_dir():
        raise UsageError(f"There is no folder {folder.parent}.", "Give the one that the build wrote.")
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def _exchange(folder: Path, scratch: Path, zipped: Path | None) -> None:
    slim = scratch / "slim"
    slim.mkdir()
    with open_file(scratch / SLIM) as source:
        unpack(source, index(source), slim)
    slim.chmod(folder.stat().st_mode & 0o7777)
    if zipped:
        zipped.parent.mkdir(parents=True, exist_ok=True)
        beside = zipped.with_name(f".{zipped.name}.part")
        shutil.copyfile(scratch / SLIM, beside)
        beside.replace(zipped)
    folder.rename(scratch / BEFORE)
    slim.rename(folder)
