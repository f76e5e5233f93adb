"""Writes the slim zip by a recipe: sorted, dated as the full one, byte for byte the same each time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from deployer.models.package import Entry, Kind, Package, Source
from deployer.models.slim import Measure, Saving
from deployer.package import members, zipformat
from deployer.package.zipwriter import Advance, ZipWriter
from deployer.slim.buffers import Contents, hold
from deployer.slim.jobs import Jobs
from deployer.slim.savings import savings
from deployer.slim.spool import BEST, LEVEL, Part, Spool
from deployer.slim.transforms.base import Added, Changed, File, Outcome, Recipe, Transform

_BEGINNING: Final = 64
"""Bytes of a file by which a transform knows its kind."""


@dataclass(frozen=True)
class Slim:
    """A slim zip that was written."""

    measure: Measure
    steps: tuple[Saving, ...]
    """What each step saved or cost."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Made:
    """What became of one file's contents."""

    path: str
    part: Part | None
    """None where it is copied as it is."""
    changed: bool
    """Whether a transform gave it new contents."""
    reason: str = ""
    """Why a transform did not."""


@dataclass(frozen=True)
class _Taken:
    """The kept files in the spool."""

    parts: dict[str, Part]
    made: tuple[_Made, ...]
    """Those that a transform was asked about."""

    @property
    def changed(self) -> frozenset[str]:
        """The paths that have new contents."""
        return frozenset(one.path for one in self.made if one.changed)

    @property
    def reasons(self) -> dict[str, str]:
        """Why others have not, by path."""
        return {one.path: one.reason for one in self.made if one.reason}


def write_slim(source: Source, package: Package, recipe: Recipe, out: Path, advance: Advance | None = None) -> Slim:
    """Write a zip by a recipe.

    Each entry is unpacked on the way to check it; only what changes is packed again. The source is read once, in
    its own order, in long reads. Memory does not grow with the package. It grows with the biggest file only where
    everything is packed as small as possible.

    Args:
        source: the zip that ``package`` is the index of.
        package: the full one.
        recipe: made for this package.
        out: written beside, and renamed at the end; what stood there is replaced.
        advance: called with what was done of ``recipe.work`` since the last call.

    Raises:
        PackageError: an entry's data is damaged.
    """
    say = advance or (lambda done: None)  # noqa: ARG005
    with Spool(out.parent) as spool:
        taken = _taken(source, recipe, spool, say)
        parts = dict(taken.parts)
        additions = [(one, _added(one, recipe, parts, spool, say)) for one in recipe.transforms]
        measure = _assembled(out, recipe, parts, spool)
    kept = {entry.path: entry for entry in recipe.kept if entry.kind is not Kind.DIRECTORY}
    now = {path: part.entry for path, part in parts.items()}
    outcome = Outcome(kept, now, taken.changed, taken.reasons)
    outcomes = [(one, replace(outcome, added=done.new, gone=done.gone)) for one, done in additions]
    warnings = tuple(text for _, done in additions for text in done.warnings)
    return Slim(measure, tuple(savings(package, recipe, outcomes)), warnings)


# -- from the full zip into the spool: copied or changed ---------------------------------------------------------------


def _taken(source: Source, recipe: Recipe, spool: Spool, say: Advance) -> _Taken:
    parts: dict[str, Part] = {}
    made: list[_Made] = []
    unread = [entry for entry in recipe.kept if _is_unread(entry, recipe)]
    made += [_smaller(entry, b"", recipe, spool) for entry in unread]
    files = [entry for entry in recipe.kept if entry.kind is not Kind.DIRECTORY and not _is_unread(entry, recipe)]
    with Jobs[_Made]() as jobs:
        for entry, blocks in members.packed(source, files):
            parts[entry.path], held = _copied(entry, blocks, recipe, spool)
            if held is not None:
                made += jobs.add(entry.size, partial(_smaller, entry, held, recipe, spool))
            say(entry.packed)
        made += jobs.rest()
    return _Taken(parts | {one.path: one.part for one in made if one.part is not None}, tuple(made))


def _is_unread(entry: Entry, recipe: Recipe) -> bool:
    transform = recipe.by_path.get(entry.path)
    return transform is not None and not transform.reads


def _copied(entry: Entry, blocks: Iterable[bytes], recipe: Recipe, spool: Spool) -> tuple[Part, Contents | None]:
    """Copy an entry; return its contents too, where something is to be made of them."""
    part = Part(entry, spool.room(entry.packed))
    pieces = _unpacked(part, blocks, spool)
    beginning = next(pieces, b"")
    if _is_wanted(entry, beginning, recipe):
        return part, hold(chain([beginning], pieces), entry.size, spool.folder)
    for _ in pieces:
        pass
    return part, None


def _unpacked(part: Part, blocks: Iterable[bytes], spool: Spool) -> Iterator[bytes]:
    """Unpack and check a part; its packed bytes go into the spool on the way."""
    unpacker = members.Unpacker(part.entry)
    place = part.start
    for block in blocks:
        yield from unpacker.feed(block)
        spool.write(place, block)
        place += len(block)
    unpacker.finish()


def _is_wanted(entry: Entry, beginning: bytes, recipe: Recipe) -> bool:
    if recipe.settings.best and entry.kind is Kind.FILE:
        return True
    transform = recipe.by_path.get(entry.path)
    return transform is not None and transform.wants(beginning)


def _smaller(entry: Entry, contents: Contents, recipe: Recipe, spool: Spool) -> _Made:
    """Pack what a transform makes of a file; or the same contents, where everything is to be as small as possible."""
    transform = recipe.by_path.get(entry.path)
    change = Changed()
    if transform is not None and transform.wants(bytes(contents[:_BEGINNING])):
        change = transform.change(File(entry.path, contents, recipe))
    if change.contents is not None:
        return _Made(entry.path, spool.pack(entry, change.contents, _level(recipe)), changed=True)
    if not recipe.settings.best:
        return _Made(entry.path, None, False, change.reason)
    part = spool.pack(entry, contents, BEST)
    return _Made(entry.path, part if part.entry.packed < entry.packed else None, False, change.reason)


def _level(recipe: Recipe) -> int:
    return BEST if recipe.settings.best else LEVEL


# -- what transforms add -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Addition:
    new: tuple[Entry, ...]
    gone: tuple[Entry, ...]
    warnings: tuple[str, ...]


def _added(transform: Transform, recipe: Recipe, parts: dict[str, Part], spool: Spool, say: Advance) -> _Addition:
    """Put a transform's new files into the parts, and take out those that they replace."""
    added = transform.add(lambda path: spool.contents(parts[path]), say)
    new = _packed(added, recipe, parts, spool)
    gone = tuple(parts.pop(path).entry for path in added.gone if path in parts)
    parts |= {part.entry.path: part for part in new}
    return _Addition(tuple(part.entry for part in new), gone, added.warnings)


def _packed(added: Added, recipe: Recipe, parts: Mapping[str, Part], spool: Spool) -> list[Part]:
    with Jobs[Part]() as jobs:
        packed: list[Part] = []
        for new in added.files:
            like = parts[new.made_of].entry
            entry = Entry(new.path, Kind.FILE, 0, 0, 0, 0o644, zipformat.DEFLATED, 0, date=like.date, utc=like.utc)
            packed += jobs.add(len(new.contents), partial(spool.pack, entry, new.contents, _level(recipe)))
        return [*packed, *jobs.rest()]


# -- from the spool into the slim zip --------------------------------------------------------------------------------


def _assembled(out: Path, recipe: Recipe, parts: Mapping[str, Part], spool: Spool) -> Measure:
    directories = [Part(entry, 0) for entry in recipe.kept if entry.kind is Kind.DIRECTORY]
    with ZipWriter(out) as writer:
        for part in sorted([*directories, *parts.values()], key=lambda part: zipformat.name_of(part.entry.path)):
            place = writer.reserve(part.entry)
            for start, length in spool.blocks(part):
                writer.write(place + start - part.start, spool.read(start, length))
        return writer.finish()
