"""Describes what a package held when it was probed: its distributions, and each file of the function's own.

Evidence holds for a file of another build if that file did not change. A distribution is the same if its name, its
version and the contents of its files are; a file of no distribution, if its CRC-32 is.
"""

import hashlib
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from deployer.models.evidence import Evidence
from deployer.models.package import Distribution, Kind, Package
from deployer.models.whitelist import Installed, Whitelist
from deployer.package import zipformat
from deployer.versioned import Form

_FORM: Final = Form(
    "The inventory of an earlier package",
    1,
    "Remove its contents-*.json: the evidence of that package is not used then.",
)


@dataclass(frozen=True)
class Inventory:
    """What a package held when it was probed."""

    package: str
    """The label of the package."""
    installed: tuple[Installed, ...]
    own: Mapping[str, int]
    """CRC-32 of each file of no distribution."""


@dataclass(frozen=True)
class Earlier:
    """The evidence of a package that was probed before this one."""

    inventory: Inventory
    evidence: Evidence


def take_inventory(package: Package, distributions: Iterable[Distribution]) -> Inventory:
    """Return what the package holds."""
    distributions = tuple(distributions)
    recorded = _files(distributions)
    files = (path for path, entry in package.entries.items() if entry.kind is not Kind.DIRECTORY)
    own = {path: package.entries[path].crc32 for path in files if path not in recorded}
    return Inventory(package.label, tuple(installed(package, one) for one in distributions), own)


def of_whitelist(whitelist: Whitelist) -> Inventory:
    """Return what the package held that a whitelist was made for."""
    return Inventory(
        whitelist.package,
        whitelist.installed,
        {path: decision.crc32 for path, decision in whitelist.decisions.items()},
    )


def installed(package: Package, distribution: Distribution) -> Installed:
    """Return the distribution as it is in this package."""
    site = posixpath.dirname(distribution.folder)
    own = posixpath.join(site, "")
    apart = (f"{distribution.folder}/", posixpath.join(site, "bin/"))
    digest = hashlib.sha256()
    for path in sorted(distribution.files, key=zipformat.name_of):
        if path.startswith(own) and not path.startswith(apart) and not path.endswith(".pyc"):
            entry = package.entries[path]
            digest.update(zipformat.name_of(path.removeprefix(own)))
            digest.update(f"\0{entry.size}\0{entry.crc32}\n".encode())
    return Installed(distribution.name, distribution.version, digest.hexdigest())


def changed(before: Inventory, package: Package, distributions: Iterable[Distribution]) -> list[Distribution]:
    """Return the package's distributions that were not there before in the same form."""
    known = set(before.installed)
    return [distribution for distribution in distributions if installed(package, distribution) not in known]


def edited(before: Inventory, package: Package, distributions: Iterable[Distribution]) -> list[str]:
    """Return files of no distribution that were there before with other contents."""
    recorded = _files(distributions)
    own = (path for path in before.own if path in package.entries and path not in recorded)
    return [path for path in own if package.entries[path].crc32 != before.own[path]]


def unchanged(before: Inventory, package: Package, distributions: Iterable[Distribution]) -> frozenset[str]:
    """Return the package's paths that did not change: evidence of the earlier package still holds for them."""
    distributions = tuple(distributions)
    recorded = _files(distributions)
    stale = _files(changed(before, package, distributions))
    return frozenset(
        path
        for path, entry in package.entries.items()
        if path not in stale
        and (path in recorded or entry.kind is Kind.DIRECTORY or before.own.get(path) == entry.crc32)
    )


def _files(distributions: Iterable[Distribution]) -> set[str]:
    return {path for distribution in distributions for path in distribution.files}


# -- kept ------------------------------------------------------------------------------------------------------


def inventory_to_json(found: Inventory) -> str:
    """Return one JSON object; ``inventory_from_json`` reads it."""
    return _FORM.write(asdict(found))


def inventory_from_json(text: str) -> Inventory:
    """Read what ``inventory_to_json`` wrote.

    Raises:
        WorkspaceError: the text is broken, or of a version that is not known here.
    """
    return _FORM.read(text, _inventory)


def _inventory(fields: dict[str, Any]) -> Inventory:
    known = tuple(Installed(**one) for one in fields["installed"])
    return Inventory(str(fields["package"]), known, {str(path): int(crc) for path, crc in fields["own"].items()})
