"""What a build weighs, by distribution; how far from which limit; what is in it twice, or for another machine."""

import posixpath
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.errors import UsageError
from deployer.instrumentation.layer_zip import layer_size
from deployer.limits import UNZIPPED, ZIPPED_DIRECT
from deployer.models.package import Distribution, Entry, Kind, Package, Source
from deployer.notices import Notices
from deployer.package import distributions, handler_path, index, open_file, pack_folder
from deployer.package.wheels import check_wheels
from deployer.report.checks import Check, DoctorReport, Verdict, Weight
from deployer.report.suggestions import vendored
from deployer.words import counted, megabytes

LISTED: Final = 15
"""So many distributions are listed by name, the heaviest."""
_SMALLEST: Final = 10_000
"""Bytes of the smallest file that is worth a word when it is there twice."""
_NAMED: Final = 4
_OF_THE_RUNTIME: Final = frozenset({"boto3", "botocore", "s3transfer"})
"""Lambda's Python has them (https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html)."""
_OWN: Final = "(your own)"


@dataclass(frozen=True)
class BuildRequest:
    """A build, and what it is for."""

    path: Path
    """A folder or a zip."""
    runtime: str
    """As Lambda names it."""
    architecture: str
    handler: str = ""
    """Empty where nobody says it."""


@dataclass(frozen=True)
class _Held:
    source: Source
    package: Package
    known: tuple[Distribution, ...]

    def files(self) -> Iterator[Entry]:
        return (entry for entry in self.package.entries.values() if entry.kind is Kind.FILE)


def check_build(request: BuildRequest, notices: Notices) -> DoctorReport:
    """Return what is to be known of a build before it goes anywhere; nothing is asked of AWS.

    Raises:
        UsageError: there is no such folder or zip.
        PackageError: it is no package.
    """
    if not request.path.exists():
        raise UsageError(f"There is no folder or zip {request.path}.", "Give one with --package.")
    with tempfile.TemporaryDirectory(prefix="ldeploy-doctor-") as scratch:
        zipped = request.path
        if zipped.is_dir():
            zipped = Path(scratch, "full.zip")
            with notices.bar(f"packing {request.path.name}", None) as advance:
                pack_folder(request.path, zipped, advance)
        with open_file(zipped) as source:
            package = index(source)
            held = _Held(source, package, distributions(source, package))
            checks = (*_sizes(held), *_handler(request, held), *_twice(held), *_wheels(request, held), *_spare(held))
    ready = all(one.verdict is not Verdict.STOPS for one in checks)
    return DoctorReport(f"{request.path}", ready, checks, tuple(_weights(held)), _next(request))


def _next(request: BuildRequest) -> str:
    return (
        f"ldeploy trace --package {request.path} --handler {request.handler or 'app.handler'} --events EVENTS_DIR, "
        f"or in AWS: ldeploy probe FUNCTION --package {request.path}"
    )


def _sizes(held: _Held) -> Iterator[Check]:
    size, packed = held.package.bytes, held.package.zip_bytes
    left = UNZIPPED - size - layer_size()
    told = f"{counted(held.package.files, 'file')}, {megabytes(size)} of {megabytes(UNZIPPED)}"
    if left > 0:
        yield Check("unzipped", Verdict.GOOD, f"{told}: {megabytes(left)} left with the probe in")
    else:
        why = "Lambda takes it only after ldeploy shrink; ldeploy probe unpacks it from S3 at start until then"
        yield Check("unzipped", Verdict.DOUBT, f"{told}: {megabytes(-left)} over. {why}.")
    if packed <= ZIPPED_DIRECT:
        yield Check("zipped", Verdict.GOOD, f"{megabytes(packed)}: a direct upload takes {megabytes(ZIPPED_DIRECT)}")
    else:
        told = f"{megabytes(packed)}, over the {megabytes(ZIPPED_DIRECT)} of a direct upload"
        yield Check("zipped", Verdict.GOOD, f"{told}: it goes by S3, as ldeploy does")


def _handler(request: BuildRequest, held: _Held) -> Iterator[Check]:
    if not request.handler:
        return
    found = handler_path(held.package, request.handler)
    if found:
        yield Check("handler", Verdict.GOOD, f"{request.handler} is in {found}")
    else:
        what = f"No file of the build holds {request.handler}. Name it as Lambda does: --handler module.function."
        yield Check("handler", Verdict.STOPS, what)


def _wheels(request: BuildRequest, held: _Held) -> Iterator[Check]:
    wrong = check_wheels(held.source, held.package, request.runtime, request.architecture)
    for what in wrong:  # a newer glibc is needed by some of what is built for it, and not by all
        yield Check("wheels", Verdict.DOUBT if "built for glibc" in what else Verdict.STOPS, what)
    if not wrong:
        yield Check("wheels", Verdict.GOOD, f"all fit {request.runtime} on {request.architecture}")


def _spare(held: _Held) -> Iterator[Check]:
    """Yield that Lambda's runtime has some of it too."""
    there = [one for one in held.known if _plain(one.name) in _OF_THE_RUNTIME]
    if there:
        size = sum(_size(held, one) for one in there)
        names = ", ".join(f"{one.name} {one.version}" for one in there)
        what = f"{names} ({megabytes(size)}): Lambda's Python has its own. Omit them, unless you need these versions."
        yield Check("runtime", Verdict.DOUBT, what)


# -- what is there twice -----------------------------------------------------------------------------------------


def _twice(held: _Held) -> Iterator[Check]:
    names: defaultdict[str, list[Distribution]] = defaultdict(list)
    for one in held.known:
        names[_plain(one.name)].append(one)
    for several in names.values():
        if len(several) > 1:
            versions = " and ".join(f"{one.version} in {one.folder}" for one in several)
            what = (
                f"{several[0].name} is there {counted(len(several), 'time')}: {versions}. Install into an empty folder."
            )
            yield Check("twice", Verdict.DOUBT, what)
    yield from _same_library(held)
    yield from _same_contents(held)


def _same_library(held: _Held) -> Iterator[Check]:
    """Yield each library that several wheels brought."""
    copies: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in held.files():
        if name := vendored(entry.path):
            copies[name].append(entry)
    for name, entries in sorted(copies.items()):
        folders = sorted({posixpath.dirname(entry.path) for entry in entries})
        spare = sum(entry.size for entry in entries) - max(entry.size for entry in entries)
        if len(folders) > 1 and spare >= _SMALLEST:
            what = f"{name} is there {counted(len(entries), 'time')}, {megabytes(spare)} more than once: "
            yield Check("twice", Verdict.DOUBT, f"{what}{_listed(folders)}.")


def _same_contents(held: _Held) -> Iterator[Check]:
    same: defaultdict[tuple[int, int], list[Entry]] = defaultdict(list)
    for entry in held.files():
        if entry.size >= _SMALLEST:
            same[entry.size, entry.crc32].append(entry)
    groups = sorted((one for one in same.values() if len(one) > 1), key=lambda one: -one[0].size * (len(one) - 1))
    if groups:
        spare = sum(one[0].size * (len(one) - 1) for one in groups)
        heaviest = _listed([" = ".join(entry.path for entry in one[:2]) for one in groups], 2)
        what = f"{counted(len(groups), 'file')} with the same contents at several paths, {megabytes(spare)} too many: "
        yield Check("twice", Verdict.DOUBT, f"{what}{heaviest}.")
    elif not any(one for one in same.values() if len(one) > 1):
        yield Check("copies", Verdict.GOOD, f"no file of {megabytes(_SMALLEST)} or more is there twice")


def _listed(names: list[str], most: int = _NAMED) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


# -- what weighs what --------------------------------------------------------------------------------------------


def _weights(held: _Held) -> Iterator[Weight]:
    """Yield the heaviest distributions, then the others together, and the build's own files; they add up."""
    owners = {path: f"{one.name} {one.version}" for one in held.known for path in one.files}
    files: defaultdict[str, int] = defaultdict(int)
    sizes: defaultdict[str, int] = defaultdict(int)
    for path in held.package.file_paths:
        name = owners.get(path, _OWN)
        files[name] += 1
        sizes[name] += held.package.entries[path].size
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    yield from (Weight(name, files[name], sizes[name]) for name in ordered[:LISTED])
    if rest := ordered[LISTED:]:
        yield Weight(f"{len(rest):,} others", _sum(files, rest), _sum(sizes, rest))


def _sum(amounts: Mapping[str, int], names: Iterable[str]) -> int:
    return sum(amounts[name] for name in names)


def _size(held: _Held, one: Distribution) -> int:
    return sum(held.package.entries[path].size for path in one.files if path in held.package.entries)


def _plain(name: str) -> str:
    """Return what all spellings of a name have in common (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
