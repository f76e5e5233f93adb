"""Which bytes are asked for when one file is wanted: it, what it needs, and its neighbours, by few requests."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, NamedTuple, Tuple

from probe_layer.entry import inflated, read_header, stored
from probe_layer.fetch import Stream, StreamError
from probe_layer.guard import store
from probe_layer.guard.failure import FetchError, damaged
from probe_layer.guard.index import DEFLATED, FILE, FOLDER, Index, Row
from probe_layer.guard.inside import Blocks

if TYPE_CHECKING:
    from probe_layer.guard.s3 import Body, Bucket

NEIGHBOURS = 1 << 20
"""Packed bytes that come along with a file, half of them from before it."""
GAP = 1 << 16
"""Packed bytes of others that are read past, so that one request does for two files."""
_HEADER = 64  # bytes of a local header beside its name, about

_Rows = Dict[int, Row]


class Range(NamedTuple):
    """Files that one request brings."""

    start: int
    end: int
    rows: List[Tuple[int, Row]]


def bring(index: Index, number: int, source: Bucket | Blocks, root: str, wanted: list[int]) -> None:
    """Brings a row's file and what it needs to the pool, and makes the places that they will come to.

    Args:
        index: the package's.
        number: of the row.
        source: where the bytes lie.
        root: the package's folder.
        wanted: filled with the numbers of what was asked for, for the case that it cannot be had.

    Raises:
        FetchError: it cannot be had.
    """
    wanted.append(number)
    row = index[number]
    if row.kind == FOLDER:
        top = store.top_folder(index, row.path)
        store.make_folder(index, number if top is None else top)
        return
    own = {each: index[each] for each in [number, *index.needs(number)] if index[each].kind == FILE}
    wanted[:] = own
    missing = {each: own[each] for each in own if not store.is_there(each, own[each])}
    for each in own:
        store.make_place(index, each, root)
    if not missing:
        return
    needed = sum(map(store.weight, missing.values()))
    if needed > store.free():
        raise store.no_room(row.path)
    along = _neighbours(index, number, missing, isinstance(source, Blocks))
    if needed + sum(map(store.weight, along.values())) > store.free() // 2:
        along = {}
    for each in along:
        store.make_place(index, each, root)
    missing.update(along)
    if isinstance(source, Blocks):
        _from_blocks(missing, source)
    else:
        _from_bucket(missing, source)


def _neighbours(index: Index, number: int, missing: _Rows, inside: bool) -> _Rows:
    """Files of the same top folder that lie near: in the same block, or near in the zip."""
    found: _Rows = {}
    if number not in missing:
        return found
    walk = _in_block if inside else _in_zip
    for step in (1, -1):
        for other, row in walk(index, number, step):
            if other not in missing and not store.is_there(other, row):
                found[other] = row
    return found


def _beside(index: Index, number: int, step: int) -> Iterator[tuple[int, Row]]:
    """The files before or behind one, in the same top folder."""
    top = index[number].path.partition("/")[0]
    at = number + step
    while 0 <= at < index.count:
        row = index[at]
        if row.path.partition("/")[0] != top:
            return
        if row.kind == FILE:
            yield at, row
        at += step


def _in_block(index: Index, number: int, step: int) -> Iterator[tuple[int, Row]]:
    block = index[number].packed
    for other, row in _beside(index, number, step):
        if row.packed != block:
            return
        yield other, row


def _in_zip(index: Index, number: int, step: int) -> Iterator[tuple[int, Row]]:
    room, last = NEIGHBOURS // 2, index[number]
    for other, row in _beside(index, number, step):
        low, high = sorted((last, row), key=lambda each: each.place)
        if row.packed > room or high.place - low.place - low.packed > GAP:
            return
        room, last = room - row.packed, row
        yield other, row


# -- inside ----------------------------------------------------------------------------------------------------------


def _from_blocks(missing: _Rows, source: Blocks) -> None:
    for block in sorted({row.packed for row in missing.values()}):
        rows = sorted((row.place, number) for number, row in missing.items() if row.packed == block)
        stream = Stream(source.open(block), 0)
        for place, number in rows:
            row = missing[number]
            try:
                stream.skip_to(place)
                store.write(number, row, _exactly(stream, row.size), str(source))
            except StreamError as error:
                raise damaged(row.path, str(source)) from error


def _exactly(stream: Stream, count: int) -> Iterator[bytes]:
    left = count
    while left:
        portion = stream.take(left)
        left -= len(portion)
        yield portion


# -- in S3 -----------------------------------------------------------------------------------------------------------


def _from_bucket(missing: _Rows, source: Bucket) -> None:
    """Once more, for what is missing still, where a connection is cut off."""
    try:
        _from_ranges(missing, source)
    except StreamError:
        source.forget()
        try:
            _from_ranges({number: row for number, row in missing.items() if not store.is_there(number, row)}, source)
        except StreamError as error:
            raise FetchError("guard-unreachable", "%s was cut off" % source) from error


def _from_ranges(missing: _Rows, source: Bucket) -> None:
    rest: Body | None = None
    for each in _ranges(missing):
        if rest and not _drain(rest):
            source.forget()
        rest = _from_range(each, source)


def _ranges(missing: _Rows) -> list[Range]:
    """Requests: files that lie near each other are one."""
    found: list[Range] = []
    for number, row in sorted(missing.items(), key=lambda each: each[1].place):
        end = row.place + _HEADER + len(row.path) * 3 + row.packed
        last = found[-1] if found else None
        if last and row.place - last.end < GAP:
            last.rows.append((number, row))
            found[-1] = last._replace(end=max(end, last.end))
        else:
            found.append(Range(row.place, end, [(number, row)]))
    return found


def _drain(body: Body) -> bool:
    """Reads a response to its end, so that its connection can be asked again; whether that was possible."""
    try:
        while body.read(body.left):
            pass
    except OSError:
        return False
    return True


def _from_range(each: Range, source: Bucket) -> Body:
    body = source.open(each.start, each.end)
    stream = Stream(body, each.start)
    for number, row in each.rows:
        stream.skip_to(row.place)
        store.write(number, row, _unpacked(row, stream, str(source)), str(source))
    return body


def _unpacked(row: Row, stream: Stream, source: str) -> Iterator[bytes]:
    method = read_header(stream)
    if method != (8 if row.flags & DEFLATED else 0):
        raise damaged(row.path, source)
    unpack: Callable[[Row, Stream], Iterator[bytes]] = inflated if method else stored
    try:
        yield from unpack(row, stream)
    except zlib.error as error:
        raise damaged(row.path, source) from error
