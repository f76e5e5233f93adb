"""Writes the slim zip by a recipe: sorted, dated as the full one, byte for byte the same each time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from deployer.models.package import Entry, Kind, Package, Source
from deployer.models.slim import Measure, Saving
from deployer.package import members, zipformat
from deployer.package.zipwriter import Advance, ZipWriter
from deployer.slim.buffers import Contents, hold, whole
from deployer.slim.jobs import Jobs
from deployer.slim.recipe import Action, Recipe
from deployer.slim.savings import savings
from deployer.slim.spool import BEST, LEVEL, Part, Spool
from deployer.slim.transforms.bytecode import Compiled, bytecode_path, compile_sources, needs_source
from deployer.slim.transforms.elf import trim
from deployer.slim.transforms.records import kept_rows

_ELF: Final = b"\x7fELF"


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
    """None where it stays as it lies."""
    reason: str = ""
    """Why a library was left alone."""


def write_slim(source: Source, package: Package, recipe: Recipe, out: Path, advance: Advance | None = None) -> Slim:
    """Writes a zip by a recipe.

    Each entry is unpacked on the way to check it; only what changes is packed again. The source is read once, in
    its own order, in long reads. Memory grows with neither the package nor its biggest file, but with the latter
    where everything is packed as small as it gets.

    Args:
        source: the zip that ``package`` is the index of.
        recipe: made for this package.
        out: written beside, and renamed at the end; what stood there is replaced.
        advance: called with what was done of ``recipe.work`` since the last call.

    Raises:
        PackageError: an entry's data is damaged.
    """
    say = advance or (lambda done: None)  # noqa: ARG005
    with Spool(out.parent) as spool:
        parts, alone = _taken(source, recipe, spool, say)
        compiled = _compiled(recipe, parts, spool, say)
        gone = _add_bytecode(recipe, parts, spool, compiled)
        measure = _assembled(out, recipe, parts, spool)
    now = {path: part.entry for path, part in parts.items()}
    return Slim(measure, savings(package, recipe, now, gone, alone), _warnings(compiled))


# -- from the full zip into the spool: copied, trimmed, emptied ------------------------------------------------------


def _taken(source: Source, recipe: Recipe, spool: Spool, say: Advance) -> tuple[dict[str, Part], dict[str, str]]:
    """Each file's part, and why libraries were left alone."""
    empty = set(recipe.of(Action.EMPTY))
    files = [entry for entry in recipe.kept if entry.kind is not Kind.DIRECTORY]
    parts = {entry.path: spool.pack(entry, b"", LEVEL) for entry in files if entry.path in empty}
    made: list[_Made] = []
    with Jobs[_Made]() as jobs:
        for entry, blocks in members.packed(source, (entry for entry in files if entry.path not in empty)):
            parts[entry.path], held = _copied(entry, blocks, recipe, spool)
            if held is not None:
                made += jobs.add(entry.size, partial(_smaller, entry, held, recipe, spool))
            say(entry.packed)
        made += jobs.rest()
    parts |= {one.path: one.part for one in made if one.part is not None}
    return parts, {one.path: one.reason for one in made if one.reason}


def _copied(entry: Entry, blocks: Iterable[bytes], recipe: Recipe, spool: Spool) -> tuple[Part, Contents | None]:
    """The entry as it lies; and its contents, where something is to be made of them."""
    part = Part(entry, spool.room(entry.packed))
    pieces = _unpacked(part, blocks, spool)
    beginning = next(pieces, b"")
    if _is_wanted(entry, beginning, recipe):
        return part, hold(chain([beginning], pieces), entry.size, spool.folder)
    for _ in pieces:
        pass
    return part, None


def _unpacked(part: Part, blocks: Iterable[bytes], spool: Spool) -> Iterator[bytes]:
    """A part's contents, checked; what lies in the zip goes into the spool on the way."""
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
    action = recipe.actions.get(entry.path)
    return action is Action.LIST or (action is Action.TRIM and beginning.startswith(_ELF))


def _smaller(entry: Entry, contents: Contents, recipe: Recipe, spool: Spool) -> _Made:
    """The contents trimmed, where they are a library or a list of files, and packed."""
    reason = ""
    if recipe.actions.get(entry.path) is Action.LIST:
        kept = kept_rows(bytes(whole(contents)), entry.path, {one.path for one in recipe.kept}, recipe.changed)
        return _Made(entry.path, spool.pack(entry, kept, _level(recipe)))
    if recipe.actions.get(entry.path) is Action.TRIM and contents[: len(_ELF)] == _ELF:
        trimmed = trim(contents)
        if trimmed.saved:
            return _Made(entry.path, spool.pack(entry, trimmed.file, _level(recipe)))
        reason = trimmed.reason
    if not recipe.settings.best:
        return _Made(entry.path, None, reason)
    part = spool.pack(entry, contents, BEST)
    return _Made(entry.path, part if part.entry.packed < entry.packed else None, reason)


def _level(recipe: Recipe) -> int:
    return BEST if recipe.settings.best else LEVEL


# -- bytecode ------------------------------------------------------------------------------------------------------


def _texts(recipe: Recipe, parts: Mapping[str, Part], spool: Spool, say: Advance) -> Iterator[tuple[str, bytes]]:
    for path in recipe.sources:
        text = spool.contents(parts[path])
        yield path, text
        say(len(text))


def _compiled(recipe: Recipe, parts: Mapping[str, Part], spool: Spool, say: Advance) -> Compiled:
    if not recipe.sources:
        return Compiled({})
    texts = _texts(recipe, parts, spool, say)
    return compile_sources(texts, recipe.runtime, columns=False)


def _add_bytecode(recipe: Recipe, parts: dict[str, Part], spool: Spool, compiled: Compiled) -> dict[str, Entry]:
    """Puts the bytecode in: beside each source, or in its place; what was there before and is no more."""
    replaced = set(recipe.of(Action.REPLACE))
    if replaced and compiled.files:
        texts = _texts(recipe, parts, spool, lambda done: None)  # noqa: ARG005
        replaced -= needs_source(texts, recipe.compilers).keys()
    gone: dict[str, Entry] = {}
    with Jobs[Part]() as jobs:
        packed: list[Part] = []
        for path, pyc in compiled.files.items():
            place = bytecode_path(path, recipe.runtime, in_place=path in replaced)
            source = parts[path].entry
            entry = Entry(place, Kind.FILE, 0, 0, 0, 0o644, zipformat.DEFLATED, 0, date=source.date, utc=source.utc)
            packed += jobs.add(len(pyc), partial(spool.pack, entry, pyc, _level(recipe)))
            out_of_date = {bytecode_path(path, recipe.runtime), *([path] if path in replaced else [])}
            gone |= {old: parts.pop(old).entry for old in out_of_date if old in parts}
        packed += jobs.rest()
    parts |= {part.entry.path: part for part in packed}
    return gone


def _warnings(compiled: Compiled) -> tuple[str, ...]:
    if not compiled.reason:
        return ()
    return (f"No bytecode was added, so that cold starts compile every module: {compiled.reason}.",)


# -- from the spool into the slim zip --------------------------------------------------------------------------------


def _assembled(out: Path, recipe: Recipe, parts: Mapping[str, Part], spool: Spool) -> Measure:
    directories = [Part(entry, 0) for entry in recipe.kept if entry.kind is Kind.DIRECTORY]
    with ZipWriter(out) as writer:
        for part in sorted([*directories, *parts.values()], key=lambda part: zipformat.name_of(part.entry.path)):
            place = writer.reserve(part.entry)
            for start, length in spool.blocks(part):
                writer.write(place + start - part.start, spool.read(start, length))
        return writer.finish()
