"""Any zip that other tools write is read right, and any bytes at all end in a package or a PackageError."""

import io
import struct
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, BinaryIO, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import PackageError
from deployer.models.package import Kind, Package
from deployer.package import index
from deployer.package.distributions import distributions
from deployer.package.zipformat import name_of
from deployer.slim import copy_all, write_slim

Shape = dict[str, Any]


@dataclass(frozen=True)
class BytesSource:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        assert length >= 0
        if offset + length > len(self.data):
            raise PackageError("The source ends before that.")
        return self.data[offset : offset + length]


@dataclass(frozen=True)
class Member:
    name: bytes
    contents: bytes
    mode: int
    deflated: bool
    wide: bool
    extra: bytes


class RawInfo(zipfile.ZipInfo):
    """zipfile would only write names that are text."""

    def __init__(self, member: Member) -> None:
        super().__init__("x")
        self.filename = member.name.decode("latin-1")
        self.create_system = 3
        self.external_attr = member.mode << 16
        self.compress_type = zipfile.ZIP_DEFLATED if member.deflated else zipfile.ZIP_STORED
        self.extra = member.extra
        self.raw = member.name

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.raw, self.flag_bits


class Unseekable:
    """Makes zipfile write data descriptors."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass


def made(members: Iterable[Member], streamed: bool = False, prefix: bytes = b"", comment: bytes = b"") -> bytes:
    seekable, stream = io.BytesIO(), Unseekable()
    with zipfile.ZipFile(cast(BinaryIO, stream) if streamed else seekable, "w") as archive:
        archive.comment = comment
        for member in members:
            with archive.open(RawInfo(member), "w", force_zip64=member.wide) as file:
                file.write(member.contents)
    return prefix + (b"".join(stream.parts) if streamed else seekable.getvalue())


def slimmed(data: bytes, package: Package, keep: Iterable[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "slim.zip")
        measure = write_slim(BytesSource(data), package, copy_all(package, keep), out).measure
        assert measure.zip_bytes == out.stat().st_size
        return out.read_bytes()


def contents(data: bytes) -> dict[bytes, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437"): archive.read(info)
            for info in archive.infolist()
        }


PARTS = st.binary(min_size=1, max_size=6).filter(lambda part: not {0, 0x2F} & {*part} and part not in (b".", b".."))
NAMES = st.lists(PARTS, min_size=1, max_size=3).map(b"/".join)
EXTRAS = st.binary(max_size=9).map(lambda data: struct.pack("<2H", 0xCAFE, len(data)) + data) | st.just(b"")
CONTENTS = st.binary(max_size=200) | st.integers(1, 3_000).map(lambda count: b"abc" * count)
MEMBERS = st.lists(
    st.builds(Member, NAMES, CONTENTS, st.sampled_from([0o100644, 0o100755, 0]), st.booleans(), st.booleans(), EXTRAS),
    min_size=1,
    max_size=8,
    unique_by=lambda member: member.name,
).filter(lambda members: not any(one.name.startswith(two.name + b"/") for one in members for two in members))
SHAPES: st.SearchStrategy[Shape] = st.fixed_dictionaries(
    {"streamed": st.booleans(), "prefix": st.binary(max_size=30), "comment": st.binary(max_size=30)}
)


@settings(deadline=None)
@given(MEMBERS, SHAPES)
def test_a_slim_zip_of_everything_holds_the_same_contents(members: list[Member], shape: Shape) -> None:
    data = made(members, **shape)
    package = index(BytesSource(data))
    assert contents(slimmed(data, package, package.entries)) == {one.name: one.contents for one in members}


@settings(deadline=None)
@given(MEMBERS, SHAPES)
def test_the_index_tells_what_zipfile_tells(members: list[Member], shape: Shape) -> None:
    entries = index(BytesSource(made(members, **shape))).entries
    files = {name_of(entry.path): entry for entry in entries.values() if entry.kind is Kind.FILE}
    assert {name: entry.size for name, entry in files.items()} == {one.name: len(one.contents) for one in members}
    assert all(files[one.name].mode == (0o755 if one.mode & 0o111 else 0o644) for one in members)
    assert list(entries) == sorted(entries, key=name_of)


@settings(deadline=None)
@given(MEMBERS, SHAPES, SHAPES, st.randoms())
def test_the_slim_zip_does_not_depend_on_how_its_source_was_laid_out(
    members: list[Member], shape: Shape, other: Shape, random: Random
) -> None:
    one = made(members, **shape)
    shuffled = random.sample(members, len(members))
    two = made(shuffled, **other)
    first, second = index(BytesSource(one)), index(BytesSource(two))
    assert first.identity == second.identity
    assert slimmed(one, first, first.entries) == slimmed(two, second, second.entries)


@settings(deadline=None)
@given(MEMBERS, SHAPES, st.data())
def test_a_slim_zip_holds_what_was_kept_and_nothing_else(
    members: list[Member], shape: Shape, draw: st.DataObject
) -> None:
    data = made(members, **shape)
    package = index(BytesSource(data))
    kept = draw.draw(st.lists(st.sampled_from(members), min_size=1, unique=True))
    paths = [one.name.decode("utf-8", "surrogateescape") for one in kept]
    slim = slimmed(data, package, paths)
    assert contents(slim) == {one.name: one.contents for one in kept}
    again = index(BytesSource(slim))
    assert {path: again.entries[path].crc32 for path in paths} == {path: package.entries[path].crc32 for path in paths}


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    data = bytearray(made(draw(MEMBERS), **draw(SHAPES)))
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["set", "cut", "insert", "full", "double"])):
            case "set":
                data[position : position + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[position : position + draw(st.integers(1, 50))]
            case "insert":
                data[position:position] = draw(st.binary(max_size=20))
            case "full":
                data[position : position + 4] = b"\xff\xff\xff\xff"
            case "double":
                data += data[position:]
    return bytes(data)


@given(broken() | st.binary(max_size=200))
def test_broken_bytes_end_in_a_package_or_a_package_error(data: bytes) -> None:
    source = BytesSource(data)
    try:
        package = index(source)
        distributions(source, package)
        slimmed(data, package, package.entries)
    except PackageError:
        pass
