"""The slim zip: the kept entries, copied as they lie, in few reads and readable by others."""

import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from deployer.errors import PackageError
from deployer.models.package import Entry, Kind
from deployer.models.slim import Measure
from deployer.package import FileSource, index, open_file
from deployer.package.zipformat import UNIX, Record, central_header, end_records, local_header, read_directory
from deployer.package.zipwriter import ZipWriter
from deployer.slim import copy_all, write_slim

LINK = 0o120777 << 16


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A package with a folder of its own, a symlink, a script and names of three sorts."""
    path = tmp_path / "full.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        link = zipfile.ZipInfo("pkg/link")
        link.create_system, link.external_attr = 3, LINK
        archive.writestr(link, "a.py")
        script = zipfile.ZipInfo("bin/run")
        script.external_attr = 0o100755 << 16
        archive.writestr(script, "#!/bin/sh")
        archive.mkdir("pkg")
        for name in ("pkg/a.py", "pkg/grüße.txt", "app.py", "data/b.bin"):
            archive.writestr(name, name * 500)
    return path


class CountingSource:
    def __init__(self, source: FileSource) -> None:
        self._source, self.size = source, source.size
        self.reads: list[int] = []

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append(length)
        return self._source.read(offset, length)


def slim(full: Path, keep: list[str], out: Path) -> Measure:
    with open_file(full) as source:
        package = index(source)
        return write_slim(source, package, copy_all(package, keep), out).measure


def test_only_what_is_kept_is_there(full: Path, tmp_path: Path) -> None:
    slim(full, ["app.py", "pkg/link", "data"], tmp_path / "slim.zip")
    with zipfile.ZipFile(tmp_path / "slim.zip") as archive:
        assert archive.namelist() == ["app.py", "data/", "pkg/link"]
        assert archive.read("app.py") == b"app.py" * 500
        assert archive.testzip() is None


def test_a_directory_with_something_kept_in_it_needs_no_entry(full: Path, tmp_path: Path) -> None:
    slim(full, ["pkg", "pkg/a.py", "bin"], tmp_path / "slim.zip")
    with zipfile.ZipFile(tmp_path / "slim.zip") as archive:
        assert archive.namelist() == ["bin/", "pkg/a.py"]


def test_what_was_written_is_measured(full: Path, tmp_path: Path) -> None:
    out = tmp_path / "slim.zip"
    measure = slim(full, ["app.py", "bin/run", "pkg"], out)
    assert (measure.files, measure.bytes) == (2, len("app.py" * 500) + len("#!/bin/sh"))
    assert (measure.zip_bytes, measure.sha256) == (out.stat().st_size, hashlib.sha256(out.read_bytes()).hexdigest())


def test_entries_are_copied_as_they_lie(full: Path, tmp_path: Path) -> None:
    slim(full, ["app.py"], tmp_path / "slim.zip")
    with open_file(full) as one, open_file(tmp_path / "slim.zip") as two:
        old, new = index(one).entries["app.py"], index(two).entries["app.py"]
    assert (old.packed, old.crc32, old.method, old.mode) == (new.packed, new.crc32, new.method, new.mode)


def test_modes_are_fixed(full: Path, tmp_path: Path) -> None:
    slim(full, ["app.py", "bin/run", "pkg/link", "pkg/grüße.txt"], tmp_path / "slim.zip")
    with zipfile.ZipFile(tmp_path / "slim.zip") as archive:
        infos = archive.infolist()
    assert [oct(one.external_attr >> 16) for one in infos] == ["0o100644", "0o100755", "0o100644", "0o120755"]
    assert {one.extra for one in infos} == {b""}
    assert [one.flag_bits for one in infos] == [0, 0, 0x800, 0]


@pytest.mark.skipif(not shutil.which("unzip"), reason="no Info-ZIP on this machine")
def test_info_zip_unpacks_it_whole(full: Path, tmp_path: Path) -> None:
    with open_file(full) as source:
        package = index(source)
        write_slim(source, package, copy_all(package, package.entries), tmp_path / "slim.zip")
    subprocess.run(["unzip", "-tq", "slim.zip"], cwd=tmp_path, check=True)
    subprocess.run(["unzip", "-q", "slim.zip", "-d", "out"], cwd=tmp_path, check=True)
    assert (tmp_path / "out/pkg/link").readlink() == Path("a.py")
    assert (tmp_path / "out/pkg/grüße.txt").exists()
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o777 == 0o755


def test_a_source_out_of_order_is_read_once_in_long_reads(tmp_path: Path) -> None:
    path = tmp_path / "full.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2_000):
            archive.writestr(f"{number * 7919 % 2_000}.bin", bytes(5_000))
    with open_file(path) as source:
        counting = CountingSource(source)
        package = index(source)
        write_slim(counting, package, copy_all(package, package.entries), tmp_path / "slim.zip")
    assert len(counting.reads) <= 4
    assert sum(counting.reads) <= path.stat().st_size


def test_what_is_dropped_between_far_entries_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "full.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, size in (("a", 100), ("big", 5 << 20), ("z", 100)):
            archive.writestr(name, bytes(size))
    with open_file(path) as source:
        counting = CountingSource(source)
        package = index(source)
        write_slim(counting, package, copy_all(package, ["a", "z"]), tmp_path / "slim.zip")
    assert sum(counting.reads) < 10_000


def test_how_far_it_is_adds_up_to_what_is_packed(full: Path, tmp_path: Path) -> None:
    done: list[int] = []
    with open_file(full) as source:
        package = index(source)
        made = copy_all(package, package.entries)
        write_slim(source, package, made, tmp_path / "slim.zip", done.append)
    assert sum(done) == made.work


# -- bad input -------------------------------------------------------------------------------------------------


def test_a_damaged_entry_is_refused_and_nothing_is_left(full: Path, tmp_path: Path) -> None:
    out = tmp_path / "slim.zip"
    out.write_text("what was there")
    with open_file(full) as source:
        start = index(source).entries["app.py"].offset + 30 + len("app.py")
    data = bytearray(full.read_bytes())
    data[start + 5] ^= 0xFF
    full.write_bytes(data)
    with pytest.raises(PackageError, match=r"'app\.py' is damaged"):
        slim(full, ["app.py"], out)
    assert out.read_text() == "what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full.zip", "slim.zip"]


def test_a_header_of_another_entry_is_refused(full: Path, tmp_path: Path) -> None:
    data = full.read_bytes()
    full.write_bytes(data.replace(b"app.py", b"xpp.py", 1))
    with pytest.raises(PackageError, match=r"'app\.py' is damaged: the header before its data is of 'xpp\.py'"):
        slim(full, ["app.py"], tmp_path / "slim.zip")


def test_a_path_that_is_not_in_the_package_is_named(full: Path, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"keeps 'gone\.py'"):
        slim(full, ["app.py", "gone.py"], tmp_path / "slim.zip")


def test_a_whitelist_of_no_files_is_refused(full: Path, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="keeps no file"):
        slim(full, ["pkg"], tmp_path / "slim.zip")


# -- more than 32 bits -----------------------------------------------------------------------------------------


class Sparse:
    """A huge file of which only the end holds anything."""

    def __init__(self, size: int, tail: bytes) -> None:
        self.size, self._tail = size, tail

    def read(self, offset: int, length: int) -> bytes:
        begin = offset - (self.size - len(self._tail))
        return self._tail[begin : begin + length] if begin >= 0 else bytes(length)


def test_sizes_and_offsets_over_four_gigabytes_are_told_in_full() -> None:
    start = 20 << 30
    record = Record(b"big", UNIX, 0, 0, 1, 6 << 30, 6 << 30, 0o100644 << 16, 9 << 30)
    header = central_header(record)
    tail = bytes(2 << 20) + header + end_records(1, start, len(header))
    directory = read_directory(Sparse(start + len(tail) - (2 << 20), tail))
    assert directory.records == [record]
    assert directory.start == start


def test_a_local_header_over_four_gigabytes_has_its_sizes_in_the_extra_field() -> None:
    header = local_header(Record(b"big", UNIX, 0, 8, 1, 5 << 30, 6 << 30, 0, 0))
    assert header[18:26] == b"\xff" * 8
    assert header[-16:] == (6 << 30).to_bytes(8, "little") + (5 << 30).to_bytes(8, "little")


def test_more_than_65535_entries_are_read_back(tmp_path: Path) -> None:
    count = 66_000
    with ZipWriter(tmp_path / "many.zip") as writer:
        for number in range(count):
            writer.reserve(Entry(f"{number:05}", Kind.FILE, 0, 0, 0, 0o644, 0, 0))
        assert writer.finish().files == count
    with open_file(tmp_path / "many.zip") as source, zipfile.ZipFile(tmp_path / "many.zip") as archive:
        assert len(index(source).entries) == len(archive.infolist()) == count


def test_an_entry_that_ends_as_a_64_bit_locator_begins_is_no_locator(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("data")
    entry.comment = b"PK\6\7" + b"\1" * 16
    with zipfile.ZipFile(tmp_path / "full.zip", "w") as archive:
        archive.writestr(entry, "x")
    with open_file(tmp_path / "full.zip") as source:
        assert set(index(source).entries) == {"data"}
