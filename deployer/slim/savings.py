"""What each step on the way to the slim zip saved and cost."""

from collections.abc import Iterable, Iterator

from deployer.models.package import Kind, Package
from deployer.models.slim import Saving
from deployer.slim.transforms.base import Outcome, Recipe, Transform, total


def savings(package: Package, recipe: Recipe, outcomes: Iterable[tuple[Transform, Outcome]]) -> Iterator[Saving]:
    """Return the steps in their order: the whitelist, then each transform that was wanted.

    Args:
        package: the full one.
        recipe: what was done.
        outcomes: of each transform.
    """
    kept = [entry for entry in recipe.kept if entry.kind is not Kind.DIRECTORY]
    yield Saving("whitelist", package.files - len(kept), package.bytes, total(kept))
    for transform, outcome in outcomes:
        yield from transform.savings(outcome)
