"""From what was touched to what is needed with it: small passes, each of which says why.

Seeds are kept for their own sake, in order of strength. A follower takes one kept path and names what else must be
kept because of it; it is asked once about each path, so that the work ends and grows with the package only.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from deployer.models.evidence import Evidence, PathEvidence, Phase, Touch
from deployer.models.package import Entry, Kind
from deployer.models.whitelist import Reason
from deployer.package import handler_path, links
from deployer.package.pyc import source_of
from deployer.whitelist.package_index import Ground, is_licence


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


def touched(ground: Ground, evidence: Evidence) -> Iterator[Found]:
    """Yield what real invocations opened, executed, looked at, listed and browsed, with the symlinks on the way."""
    for touch, reason in _STRENGTH:
        for path in sorted(path for path, seen in evidence.paths.items() if touch in seen.touches):
            seen = evidence.paths[path]
            why = Reason.READ if touch is Touch.OPENED and _by_another(path, seen) else reason
            yield from _reached(ground, path, Found(path, why, _words(seen, evidence.sandboxes)))
    yield from _browsed(ground, evidence)


def _by_another(path: str, seen: PathEvidence) -> bool:
    """Return whether only another process opened a source: it may have run as a script."""
    return path.endswith(".py") and bool(seen.witnesses) and "audit" not in seen.witnesses


def _browsed(ground: Ground, evidence: Evidence) -> Iterator[Found]:
    """Return what is in a directory whose names the function read: they may be its answer, or what it opens next."""
    for path, seen in evidence.paths.items():
        if Touch.BROWSED in seen.touches:
            folder = "" if path == "." else links.follow(ground.entries, path).end or path
            because = f"{folder or 'the package'} was browsed: {_words(seen, evidence.sandboxes)}"
            yield from (Found(child, Reason.BROWSED, because) for child in ground.children.get(folder, ()))


def handler(ground: Ground, name: str) -> Iterator[Found]:
    """Return the handler's module, touched or not."""
    if (path := handler_path(ground.package, name)) is not None:
        yield from _reached(ground, path, Found(path, Reason.HANDLER, f"it holds the handler {name}"))


def in_doubt(ground: Ground) -> Iterator[Found]:
    """Return metadata of distributions whose files are not known: they may be those of anything kept."""
    for folder, distribution in ground.metadata.items():
        if not distribution.files:
            yield Found(folder, Reason.METADATA, f"{distribution.name} does not say which files it has")


def own_certificates(ground: Ground) -> Iterator[Found]:
    """Return certificates and keys of no distribution: only the first connection reads them, wherever they are."""
    for path in sorted(ground.certificates):
        if path not in ground.owners:
            yield Found(path, Reason.CERTIFICATES, "it holds certificates, and belongs to no distribution")


def grow(ground: Ground, seeds: Iterable[Found], dropped: Mapping[str, str]) -> dict[str, Found]:
    """Return the seeds and all that follows from them, each path with the first reason found for it.

    Args:
        dropped: paths that a drop rule takes away, kept only as the directory of something kept.
    """
    found: dict[str, Found] = {}
    queue: deque[str] = deque()

    def keep(item: Found) -> None:
        wanted = item.path not in dropped or item.reason is Reason.PARENT
        if wanted and item.path not in found and item.path in ground.entries:
            found[item.path] = item
            queue.append(item.path)

    for seed in seeds:
        keep(seed)
    while queue:
        entry = ground.entries[queue.popleft()]
        for follower in FOLLOWERS:
            for item in follower(ground, entry):
                keep(item)
    return found


# -- followers -------------------------------------------------------------------------------------------------


def parents(_: Ground, entry: Entry) -> Iterator[Found]:
    """Keep the directory that a kept path is in."""
    if parent := entry.path.rpartition("/")[0]:
        yield Found(parent, Reason.PARENT, f"{entry.path} is kept")


def source_of_bytecode(_: Ground, entry: Entry) -> Iterator[Found]:
    """Keep the ``.py`` of a ``.pyc`` in ``__pycache__``, which is not imported without it (PEP 3147)."""
    if source := source_of(entry.path):
        yield Found(source, Reason.SOURCE, f"{entry.path} was compiled from it")


def bytecode_of_source(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep the ``.pyc`` of a ``.py``: without it each start compiles the source again, as the package is read-only."""
    for path in ground.compiled.get(entry.path, ()):
        yield Found(path, Reason.BYTECODE, f"it was compiled from {entry.path}")


def package_inits(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep ``__init__.py``: without it Python silently makes a namespace package (PEP 420)."""
    for path in ground.inits.get(entry.path, ()):
        yield Found(path, Reason.PACKAGE_INIT, f"{entry.path} is a package")


def metadata(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep metadata: entry points and versions are read from it, long after the import."""
    for distribution in ground.owners.get(entry.path, ()):
        yield Found(distribution.folder, Reason.METADATA, f"{entry.path} of {distribution.name} is kept")
    for path in ground.below.get(entry.path, ()):
        yield Found(path, Reason.METADATA, f"metadata of {ground.metadata[entry.path].name}")


def licences(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep licences: who redistributes a part of a distribution passes its licence on."""
    if distribution := ground.metadata.get(entry.path):
        for path in filter(is_licence, sorted(distribution.files)):
            yield Found(path, Reason.LICENCE, f"licence of {distribution.name}")


def licences_below(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep licences below a kept top-level folder."""
    for path in ground.licences.get(entry.path, ()):
        yield Found(path, Reason.LICENCE, f"it belongs to {entry.path}")


def certificates(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep a distribution's certificates: only the first connection opens them, which may be months away."""
    if distribution := ground.metadata.get(entry.path):
        for path in sorted(distribution.files & ground.certificates):
            yield Found(path, Reason.CERTIFICATES, f"it holds certificates of {distribution.name}")


def stubs(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep the ``.pyi`` beside a module: lazy_loader's ``attach_stub`` reads it
    (https://scientific-python.org/specs/spec-0001/).
    """
    if ground.lazy_loader and entry.path.endswith(".py"):
        yield Found(f"{entry.path}i", Reason.STUB, f"lazy_loader may read it for {entry.path}")


def targets(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep what a kept symlink leads to, and the symlinks in between."""
    if entry.kind is Kind.SYMLINK:
        way = links.follow(ground.entries, entry.path)
        for path in way.links[1:]:
            yield Found(path, Reason.SYMLINK, f"{entry.path} leads over it")
        if way.end is not None:
            yield Found(way.end, Reason.TARGET, f"{entry.path} leads to it")


def symlinks(ground: Ground, entry: Entry) -> Iterator[Found]:
    """Keep the symlinks to a kept entry: the kernel tells the file that was opened, not the name by which it was."""
    for path in ground.led_to.get(entry.path, ()):
        yield Found(path, Reason.SYMLINK, f"it leads to {entry.path}")


FOLLOWERS: Final[tuple[Callable[[Ground, Entry], Iterator[Found]], ...]] = (
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


def _reached(ground: Ground, path: str, found: Found) -> Iterator[Found]:
    """Return the path itself, or what it leads to through symlinks, for the reason given; and these symlinks."""
    if path in ground.entries:
        yield found
        return
    way = links.follow(ground.entries, path)
    if way.end is not None:
        yield found._replace(path=way.end)
    for link in way.links:
        yield Found(link, Reason.SYMLINK, f"{path} lies behind it")


def _words(seen: PathEvidence, sandboxes: int) -> str:
    """Return evidence in words: ``request 1f2e… at start-up, 3 of 3 sandboxes, asked for by shop.cart``."""
    moment = {Phase.START: "at start-up", Phase.INVOKE: "while answering", Phase.IDLE: "between requests"}[seen.phase]
    request = f"request {seen.request} " if seen.request else ""
    asked = f", asked for by {seen.imported_by}" if seen.imported_by else ""
    return f"{request}{moment}, {seen.sandboxes} of {sandboxes} sandboxes{asked}"
