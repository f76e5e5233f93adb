"""Dates of a package's files: a zip's own are carried over, a folder's follow from the contents."""

import io
import struct
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from deployer.models.dates import OURS, date_of_contents, seconds_of
from deployer.models.package import Entry, Kind, Package
from deployer.models.python import PythonOptions
from deployer.package import index, open_file, pack_folder, unpack
from deployer.package.small import small_file, symlink
from deployer.package.zipformat import UNIX, Record, central_header, end_records, local_header, name_of
from deployer.package.zipwriter import ZipWriter
from deployer.slim import Recipe, Settings, copy_all, write_slim
from deployer.slim.transforms.bytecode import AddBytecode
from deployer.slim.transforms.empty import EmptyScanned

DATES: Final = {
    "app.py": (2024, 5, 6, 7, 8, 10),
    "static/app.css": (2107, 12, 31, 23, 59, 58),
    "old": (1980, 1, 1, 0, 0, 0),
}
WEST: Final = "Etc/GMT+12"
"""The last zone in which a day begins."""


@pytest.fixture
def west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time as far west as it gets."""
    monkeypatch.setenv("TZ", WEST)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def a_zip(path: Path, extra: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, date in DATES.items():
            info = zipfile.ZipInfo(name, date)
            info.extra = extra
            archive.writestr(info, f"# {name}\n")
    return path


def indexed(path: Path) -> Package:
    with open_file(path) as source:
        return index(source)


def slim(full: Path, out: Path, made: Recipe | None = None) -> Path:
    with open_file(full) as source:
        package = index(source)
        write_slim(source, package, made or copy_all(package, DATES), out)
    return out


def infos(path: Path) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(path) as archive:
        return {one.filename: one for one in archive.infolist()}


# -- of a zip ------------------------------------------------------------------------------------------------------


def test_the_slim_zip_has_the_dates_of_the_full_one(tmp_path: Path) -> None:
    written = slim(a_zip(tmp_path / "full.zip"), tmp_path / "slim.zip")
    assert {name: one.date_time for name, one in infos(written).items()} == DATES
    assert {one.extra for one in infos(written).values()} == {b""}


def test_the_time_in_utc_is_carried_over_where_the_zip_has_it(tmp_path: Path) -> None:
    moment = 1_700_000_001
    full = a_zip(tmp_path / "full.zip", struct.pack("<2HBii", 0x5455, 9, 3, moment, 1))
    assert {entry.utc for entry in indexed(full).entries.values() if entry.kind is Kind.FILE} == {moment}
    written = infos(slim(full, tmp_path / "slim.zip"))
    assert {one.extra for one in written.values()} == {struct.pack("<2HBi", 0x5455, 5, 1, moment)}
    again = indexed(slim(tmp_path / "slim.zip", tmp_path / "again.zip"))
    assert {entry.utc for entry in again.entries.values() if entry.kind is Kind.FILE} == {moment}


@pytest.mark.parametrize("extra", [struct.pack("<2HB", 0x5455, 1, 0), struct.pack("<2HBi", 0x5455, 5, 2, 7), b"UT"])
def test_a_timestamp_that_tells_no_change_is_none(tmp_path: Path, extra: bytes) -> None:
    entries = indexed(a_zip(tmp_path / "full.zip", extra)).entries.values()
    assert {entry.utc for entry in entries} == {None}


def test_what_is_made_of_a_file_has_the_date_of_that_file(tmp_path: Path) -> None:
    full = a_zip(tmp_path / "full.zip")
    entries = indexed(full).entries
    runtime = f"python3.{sys.version_info.minor}"
    compiling = AddBytecode(("app.py",), runtime, PythonOptions(), indexed(full), (), frozenset(), frozenset(), True)
    steps = (EmptyScanned(("static/app.css",)), compiling)
    made = Recipe((entries["app.py"], entries["static/app.css"]), steps, Settings(empty=True))
    written = infos(slim(full, tmp_path / "slim.zip", made))
    assert written["static/app.css"].file_size == 0
    [bytecode] = [one for name, one in written.items() if name.endswith(".pyc")]
    assert bytecode.date_time == DATES["app.py"]
    assert written["static/app.css"].date_time == DATES["static/app.css"]


def test_other_dates_are_the_same_package(tmp_path: Path) -> None:
    one = a_zip(tmp_path / "one.zip")
    two = a_zip(tmp_path / "two.zip", struct.pack("<2HBi", 0x5455, 5, 1, 7))
    assert indexed(one).identity == indexed(two).identity


def test_a_size_of_64_bits_and_a_time_stand_side_by_side() -> None:
    record = Record(b"big", UNIX, 0, 0, 0, 5 << 30, 5 << 30, 0, 0, OURS, 1_700_000_001)
    for header in (local_header(record), central_header(record)):
        assert struct.pack("<2H2Q", 1, 16, 5 << 30, 5 << 30) in header
        assert header.endswith(struct.pack("<2HBi", 0x5455, 5, 1, 1_700_000_001))


# -- of a folder ---------------------------------------------------------------------------------------------------


def build(folder: Path, css: str = "a{color:red}") -> Path:
    (folder / "static").mkdir(parents=True)
    (folder / "app.py").write_text("x = 1\n")
    (folder / "static/app.css").write_text(css)
    (folder / "link").symlink_to("app.py")
    (folder / "empty").mkdir()
    return folder


def test_other_contents_of_the_same_length_have_another_date(tmp_path: Path) -> None:
    pack_folder(build(tmp_path / "one"), tmp_path / "one.zip")
    pack_folder(build(tmp_path / "two", "a{color:tan}"), tmp_path / "two.zip")
    one, two = infos(tmp_path / "one.zip"), infos(tmp_path / "two.zip")
    assert one["static/app.css"].date_time != two["static/app.css"].date_time
    assert one["app.py"].date_time == two["app.py"].date_time


@pytest.mark.usefixtures("west")
def test_whatever_ldeploy_packs_can_be_zipped_in_each_time_zone(tmp_path: Path) -> None:
    pack_folder(build(tmp_path / "build"), tmp_path / "out.zip")
    (tmp_path / "unpacked").mkdir()
    with open_file(tmp_path / "out.zip") as source:
        unpack(source, index(source), tmp_path / "unpacked")
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        for place in sorted((tmp_path / "unpacked").rglob("*")):
            archive.write(place)
    assert not {one for one in (tmp_path / "unpacked").rglob("*") if one.lstat().st_mtime < 946_684_800}


def test_what_is_made_here_is_dated_after_the_beginning_of_zips(tmp_path: Path) -> None:
    with ZipWriter(tmp_path / "made.zip") as writer:
        for one in (small_file("file", b"1"), symlink("link", "/opt/x")):
            writer.write(writer.reserve(one.entry), one.packed)
        writer.reserve(Entry("folder", Kind.DIRECTORY, 0, 0, 0, 0o755, 0, 0))
        writer.finish()
    assert {one.date_time for one in infos(tmp_path / "made.zip").values()} == {(2000, 1, 1, 0, 0, 0)}


# -- dates as they are kept ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("crc32", [0, 1, 15, 16, 0x8000_0000, 0xDEADBEEF, 0xFFFFFFFF])
def test_a_date_that_follows_from_the_contents_is_a_moment_between_2000_and_2017(crc32: int) -> None:
    seconds = seconds_of(date_of_contents(crc32))
    assert seconds == 946_684_800 + 2 * (crc32 >> 4)
    assert datetime(2000, 1, 1, tzinfo=UTC).timestamp() <= seconds < datetime(2017, 2, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("date", "expected"),
    [(0, "1979-11-30T00:00:00"), (0x21_0000, "1980-01-01T00:00:00"), (0xFF9F_BF7D, "2107-12-31T23:59:58"),
     (13 << 21 | 1 << 16, "1981-01-01T00:00:00"), (OURS, "2000-01-01T00:00:00")],
)  # fmt: skip
def test_dates_in_seconds(date: int, expected: str) -> None:
    assert datetime.fromtimestamp(seconds_of(date), UTC).replace(tzinfo=None).isoformat() == expected


def test_a_date_of_zero_is_written_as_it_was_read(tmp_path: Path) -> None:
    record = Record(name_of("a"), UNIX, 0, 0, 0, 0, 0, 0o100644 << 16, 0, 0, None)
    head, directory = local_header(record), central_header(record)
    (tmp_path / "zero.zip").write_bytes(head + directory + end_records(1, len(head), len(directory)))
    with open_file(tmp_path / "zero.zip") as source:
        package = index(source)
        write_slim(source, package, copy_all(package, ["a"]), tmp_path / "slim.zip")
    assert indexed(tmp_path / "slim.zip").entries["a"].date == 0
