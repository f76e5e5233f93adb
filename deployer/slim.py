"""A package and the paths to keep become a smaller zip; what is kept is copied as it lies, still packed."""

from collections.abc import Iterable
from pathlib import Path

from deployer.errors import PackageError
from deployer.models import Entry, Kind, Measure, Package, Source
from deployer.package import members, zipformat
from deployer.package.zipwriter import Advance, ZipWriter


def write_slim(
    source: Source, package: Package, keep: Iterable[str], out: Path, advance: Advance | None = None
) -> Measure:
    """Writes a zip of the kept entries: sorted, with fixed dates and modes, byte for byte the same each time.

    Each entry is unpacked on the way to check it, and never packed again. The source is read once, in its own
    order, in long reads; memory does not grow with the package. A directory is written where it is kept and
    nothing below it is.

    Args:
        source: the zip that ``package`` is the index of.
        keep: paths of the package; a directory's path keeps the directory alone.
        out: written beside, and renamed at the end; what stood there is replaced.
        advance: called with the packed bytes that are done since its last call.

    Raises:
        PackageError: a path is not in the package, nothing is kept, or an entry's data is damaged.
    """
    entries = _kept(package, keep)
    with ZipWriter(out) as writer:
        places = {entry.path: writer.reserve(entry) for entry in entries}
        files = (entry for entry in entries if entry.kind is not Kind.DIRECTORY)
        for entry, blocks in members.packed(source, files):
            place = places[entry.path]
            for block in members.checked(entry, blocks):
                writer.write(place, block)
                place += len(block)
            if advance is not None:
                advance(entry.packed)
        return writer.finish()


def _kept(package: Package, keep: Iterable[str]) -> list[Entry]:
    wanted = set(keep)
    if missing := sorted(wanted - package.entries.keys()):
        raise PackageError(
            f"The whitelist keeps {missing[0]!r}, which the package does not hold.",
            "Use the package that the whitelist was made for, or run `ldeploy shrink` again.",
        )
    files = [path for path in wanted if package.entries[path].kind is not Kind.DIRECTORY]
    if not files:
        raise PackageError("The whitelist keeps no file of the package.", "Keep the handler's file at least.")
    filled = {parent for path in files for parent in _parents(path)}
    return [package.entries[path] for path in sorted(wanted - filled, key=zipformat.name_of)]


def _parents(path: str) -> Iterable[str]:
    while path := path.rpartition("/")[0]:
        yield path
