"""What each step on the way to the slim zip saved and cost."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from deployer.models.package import Entry, Kind, Package
from deployer.models.slim import Saving
from deployer.slim.recipe import Action, Recipe

BYTECODE: Final = "bytecode added"


def savings(
    package: Package, recipe: Recipe, now: Mapping[str, Entry], gone: Mapping[str, Entry], alone: Mapping[str, str]
) -> tuple[Saving, ...]:
    """The steps in their order, those left out that were not wanted.

    Args:
        package: the full one.
        now: the entries of the slim zip.
        gone: kept entries that bytecode took the place of.
        alone: libraries that were not trimmed, with the reason.
    """
    kept = {entry.path: entry for entry in recipe.kept if entry.kind is not Kind.DIRECTORY}
    dropped = package.files - len(kept)
    first = Saving("whitelist", dropped, package.bytes, _bytes(kept.values()))
    return (first, *_changes(recipe, kept, now, alone), *_bytecode(recipe, kept, now, gone))


def _changes(
    recipe: Recipe, kept: Mapping[str, Entry], now: Mapping[str, Entry], alone: Mapping[str, str]
) -> Iterator[Saving]:
    if recipe.settings.empty:
        yield _changed("scanned files emptied", recipe.of(Action.EMPTY), kept, now)
    if recipe.settings.trim:
        trimmed = [path for path in recipe.of(Action.TRIM) if kept[path].size != now[path].size]
        yield _changed("libraries trimmed", trimmed, kept, now, Counter(alone.values()))
        if lists := recipe.of(Action.LIST):
            yield _changed("lists of files shortened", lists, kept, now)


def _bytecode(
    recipe: Recipe, kept: Mapping[str, Entry], now: Mapping[str, Entry], gone: Mapping[str, Entry]
) -> Iterator[Saving]:
    if not recipe.sources:
        return
    added = [entry for path, entry in now.items() if path not in kept or path in gone]
    old = [entry for path, entry in gone.items() if path.endswith(".pyc")]
    left = {"does not compile": len(recipe.sources) - len(added)} if added else {}
    yield Saving(BYTECODE, len(added), _bytes(old), _bytes(added), _some(left))
    if not recipe.settings.source:
        sources = [entry for path, entry in gone.items() if path.endswith(".py")]
        stay = {"may be read": len(added) - len(sources)}
        yield Saving("sources left out", len(sources), _bytes(sources), 0, _some(stay))


def _changed(
    name: str,
    paths: tuple[str, ...] | list[str],
    kept: Mapping[str, Entry],
    now: Mapping[str, Entry],
    alone: Mapping[str, int] | None = None,
) -> Saving:
    before, after = _bytes(kept[path] for path in paths), _bytes(now[path] for path in paths)
    return Saving(name, len(paths), before, after, dict(sorted((alone or {}).items())))


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count > 0}


def _bytes(entries: Iterable[Entry]) -> int:
    return sum(entry.size for entry in entries)
