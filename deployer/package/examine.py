"""Looks into a package's files once: what is installed, and what holds certificates."""

from deployer.models.package import Examined, Package, Source
from deployer.package import members
from deployer.package.certificates import holds_certificates, may_hold_certificates
from deployer.package.distributions import condensed, described, metadata_files


def examine(source: Source, package: Package) -> Examined:
    """Return the package with its distributions and the paths of its certificates, in one walk over its data.

    Args:
        source: the zip.
        package: its index.

    Raises:
        PackageError: the data of a file is damaged.
    """
    metadata = {entry.path: entry for entry in metadata_files(package)}
    candidates = {path: entry for path, entry in package.entries.items() if may_hold_certificates(entry)}
    texts: dict[str, bytes] = {}
    certificates: set[str] = set()
    for entry, blocks in members.packed(source, (candidates | metadata).values()):
        pieces = members.contents(entry, blocks)
        if entry.path in metadata:
            texts[entry.path] = condensed(package, entry.path, pieces)
        elif holds_certificates(b"".join(pieces)):
            certificates.add(entry.path)
    return Examined(package, described(package, texts), frozenset(certificates))
