"""Finds what is needed together with what was touched, in small passes that each say why.

Seeds are kept for their own sake, in order of strength. A follower takes one kept path and names what else must be
kept because of it; it is asked once about each path, so that the work ends and grows with the package only.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from deployer.models.evidence import Evidence, PathEvidence, Phase, Touch
from deployer.models.package import Entry, Kind
from deployer.models.whitelist import Reason
from deployer.package import handler_path, links, script_path
from deployer.package.pyc import source_of
from deployer.whitelist.package_index import PackageIndex, is_licence
from deployer.words import counted


class Found(NamedTuple):
    """A path to keep, and why."""

    path: str
    reason: Reason
    because: str


_STRENGTH: Final = (
    (Touch.READ, Reason.READ),
    (Touch.OPENED, Reason.OPENED),
    (Touch.LOADED, Reason.LOADED),
    (Touch.EXECUTED, Reason.EXECUTED),
    (Touch.BROWSED, Reason.BROWSED),
    (Touch.LOOKED, Reason.LOOKED),
    (Touch.LISTED, Reason.LISTED),
)


def touched(index: PackageIndex, evidence: Evidence) -> Iterator[Found]:
    """Yield what real invocations opened, executed, looked at, listed and browsed, with the symlinks on the way."""
    for touch, reason in _STRENGTH:
        for path in sorted(path for path, seen in evidence.paths.items() if touch in seen.touches):
            seen = evidence.paths[path]
            why = Reason.READ if touch is Touch.OPENED and _by_another(path, seen) else reason
            yield from _reached(index, path, Found(path, why, _words(seen, evidence.sandboxes)))
    yield from _browsed(index, evidence)
    yield from _brought(index, evidence)


def _by_another(path: str, seen: PathEvidence) -> bool:
    """Return whether only another process opened a source: it may have run as a script."""
    return path.endswith(".py") and bool(seen.witnesses) and not seen.witnesses & {"audit", "guard"}


def _brought(index: PackageIndex, evidence: Evidence) -> Iterator[Found]:
    """Yield the folders beside what the guard brought: a dropped folder comes with all that is in it.

    Who asked for one of them then was not heard; kept, it needs no guard.
    """
    tops = {path.partition("/")[0] for path, seen in evidence.paths.items() if "guard" in seen.witnesses}
    for path, entry in index.entries.items():
        if entry.kind is Kind.DIRECTORY and path.partition("/")[0] in tops:
            yield Found(path, Reason.LISTED, "it came with a folder that the guard brought")


def _browsed(index: PackageIndex, evidence: Evidence) -> Iterator[Found]:
    """Return what is in a directory whose names the function read: they may be its answer, or what it opens next."""
    for path, seen in evidence.paths.items():
        if Touch.BROWSED in seen.touches:
            folder = "" if path == "." else links.follow(index.entries, path).end or path
            because = f"{folder or 'the package'} was browsed: {_words(seen, evidence.sandboxes)}"
            yield from (Found(child, Reason.BROWSED, because) for child in index.children.get(folder, ()))


def handler(index: PackageIndex, name: str) -> Iterator[Found]:
    """Return the handler's module, and the script that a wrapper starts, touched or not."""
    for path in filter(None, (handler_path(index.package, name), script_path(index.package, name))):
        yield from _reached(index, path, Found(path, Reason.HANDLER, f"it holds the handler {name}"))


def in_doubt(index: PackageIndex) -> Iterator[Found]:
    """Return metadata of distributions whose files are not known: they may be those of anything kept."""
    for folder, distribution in index.metadata.items():
        if not distribution.files:
            yield Found(folder, Reason.METADATA, f"{distribution.name} does not say which files it has")


def own_certificates(index: PackageIndex) -> Iterator[Found]:
    """Return certificates and keys of no distribution: only the first connection reads them, wherever they are."""
    for path in sorted(index.certificates):
        if path not in index.owners:
            yield Found(path, Reason.CERTIFICATES, "it holds certificates, and belongs to no distribution")


def grow(index: PackageIndex, seeds: Iterable[Found], dropped: Mapping[str, str]) -> dict[str, Found]:
    """Return the seeds and all that follows from them, each path with the first reason found for it.

    Args:
        dropped: paths that a drop rule takes away, kept only as the directory of something kept.
    """
    found: dict[str, Found] = {}
    queue: deque[str] = deque()

    def keep(item: Found) -> None:
        wanted = item.path not in dropped or item.reason is Reason.PARENT
        if wanted and item.path not in found and item.path in index.entries:
            found[item.path] = item
            queue.append(item.path)

    for seed in seeds:
        keep(seed)
    while queue:
        entry = index.entries[queue.popleft()]
        for follower in FOLLOWERS:
            for item in follower(index, entry):
                keep(item)
    return found


# -- followers -------------------------------------------------------------------------------------------------


def parents(_: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep the directory that a kept path is in."""
    if parent := entry.path.rpartition("/")[0]:
        yield Found(parent, Reason.PARENT, f"{entry.path} is kept")


def source_of_bytecode(_: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep the ``.py`` of a ``.pyc`` in ``__pycache__``, which is not imported without it (PEP 3147)."""
    if source := source_of(entry.path):
        yield Found(source, Reason.SOURCE, f"{entry.path} was compiled from it")


def bytecode_of_source(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep the ``.pyc`` of a ``.py``: without it each start compiles the source again, as the package is read-only."""
    for path in index.compiled.get(entry.path, ()):
        yield Found(path, Reason.BYTECODE, f"it was compiled from {entry.path}")


def package_inits(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep ``__init__.py``: without it Python silently makes a namespace package (PEP 420)."""
    for path in index.inits.get(entry.path, ()):
        yield Found(path, Reason.PACKAGE_INIT, f"{entry.path} is a package")


def metadata(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep metadata: entry points and versions are read from it, long after the import."""
    for distribution in index.owners.get(entry.path, ()):
        yield Found(distribution.folder, Reason.METADATA, f"{entry.path} of {distribution.name} is kept")
    for path in index.below.get(entry.path, ()):
        yield Found(path, Reason.METADATA, f"metadata of {index.metadata[entry.path].name}")


def licences(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep licences: who redistributes a part of a distribution passes its licence on."""
    if distribution := index.metadata.get(entry.path):
        for path in filter(is_licence, sorted(distribution.files)):
            yield Found(path, Reason.LICENCE, f"licence of {distribution.name}")


def licences_below(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep licences below a kept top-level folder."""
    for path in index.licences.get(entry.path, ()):
        yield Found(path, Reason.LICENCE, f"it belongs to {entry.path}")


def certificates(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep a distribution's certificates: only the first connection opens them, which may be months away."""
    if distribution := index.metadata.get(entry.path):
        for path in sorted(distribution.files & index.certificates):
            yield Found(path, Reason.CERTIFICATES, f"it holds certificates of {distribution.name}")


def stubs(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep the ``.pyi`` beside a module: lazy_loader's ``attach_stub`` reads it
    (https://scientific-python.org/specs/spec-0001/).
    """
    if index.lazy_loader and entry.path.endswith(".py"):
        yield Found(f"{entry.path}i", Reason.STUB, f"lazy_loader may read it for {entry.path}")


def targets(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep what a kept symlink leads to, and the symlinks in between."""
    if entry.kind is Kind.SYMLINK:
        way = links.follow(index.entries, entry.path)
        for path in way.links[1:]:
            yield Found(path, Reason.SYMLINK, f"{entry.path} leads over it")
        if way.end is not None:
            yield Found(way.end, Reason.TARGET, f"{entry.path} leads to it")


def symlinks(index: PackageIndex, entry: Entry) -> Iterator[Found]:
    """Keep the symlinks to a kept entry: the kernel tells the file that was opened, not the name by which it was."""
    for path in index.led_to.get(entry.path, ()):
        yield Found(path, Reason.SYMLINK, f"it leads to {entry.path}")


FOLLOWERS: Final[tuple[Callable[[PackageIndex, Entry], Iterator[Found]], ...]] = (
    parents,
    source_of_bytecode,
    bytecode_of_source,
    package_inits,
    metadata,
    licences,
    licences_below,
    certificates,
    stubs,
    targets,
    symlinks,
)


def _reached(index: PackageIndex, path: str, found: Found) -> Iterator[Found]:
    """Return the path itself, or what it leads to through symlinks, for the reason given; and these symlinks."""
    if path in index.entries:
        yield found
        return
    way = links.follow(index.entries, path)
    if way.end is not None:
        yield found._replace(path=way.end)
    for link in way.links:
        yield Found(link, Reason.SYMLINK, f"{path} lies behind it")


def _words(seen: PathEvidence, sandboxes: int) -> str:
    """Return evidence in words: ``request 1f2e… at start-up, 3 of 3 sandboxes, asked for by shop.cart``."""
    moment = {Phase.START: "at start-up", Phase.INVOKE: "while answering", Phase.IDLE: "between requests"}[seen.phase]
    request = f"request {seen.request} " if seen.request else ""
    asked = f", asked for by {seen.imported_by}" if seen.imported_by else ""
    return f"{request}{moment}, {seen.sandboxes:,} of {counted(sandboxes, 'sandbox', 'sandboxes')}{asked}"
