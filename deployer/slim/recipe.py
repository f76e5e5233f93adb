"""Decides what happens to each kept path on its way into the slim zip; does not change the whitelist's decisions."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from deployer.errors import PackageError
from deployer.models.package import Kind, Package
from deployer.models.settings import Settings
from deployer.models.whitelist import Whitelist
from deployer.package import zipformat
from deployer.slim.transforms import TRANSFORMS
from deployer.slim.transforms.base import Kept, Recipe, Transform


def copy_all(package: Package, keep: Iterable[str]) -> Recipe:
    """Return a recipe that copies all kept paths; a directory is kept where nothing below it is.

    Raises:
        PackageError: a path is not in the package, or nothing is kept.
    """
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
    return Recipe(tuple(package.entries[path] for path in sorted(wanted - filled, key=zipformat.name_of)))


def recipe(
    package: Package, whitelist: Whitelist, settings: Settings, runtime: str, *, layered: bool = False
) -> Recipe:
    """Decide what happens to each path that a whitelist keeps.

    Args:
        whitelist: of this package.
        settings: which steps are wanted.
        runtime: as Lambda names it, ``python3.11``.
        layered: whether the function has layers, which may hold any module.

    Raises:
        PackageError: as ``copy_all``.
    """
    copied = copy_all(package, whitelist.kept())
    files = {entry.path: entry for entry in copied.kept if entry.kind is Kind.FILE}
    kept = Kept(package, files, whitelist.decisions, settings, runtime, layered, whitelist.python)
    return replace(copied, transforms=tuple(_planned(kept)), settings=settings)


def _planned(kept: Kept) -> Iterator[Transform]:
    """Plan each transform of the table; a file belongs to the first that chooses it."""
    taken: set[str] = set()
    for kind in TRANSFORMS:
        if (transform := kind.plan(kept)) is not None:
            transform = transform.without(taken)
            taken.update(transform.paths)
            yield transform


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
