"""Looks into a package's files once: what is installed, and what holds certificates."""

from deployer.models.package import Examined, Package, Source
from deployer.package import members
from deployer.package.certificates import holds_certificates, may_hold_certificates
from deployer.package.distributions import described, metadata_files


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
    for entry, contents in members.unpacked(source, (candidates | metadata).values()):
        if entry.path in metadata:
            texts[entry.path] = contents
        elif holds_certificates(contents):
            certificates.add(entry.path)
    return Examined(package, described(package, texts), frozenset(certificates))
