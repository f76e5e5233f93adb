"""A zip becomes a package; what could not be unpacked in Lambda is refused in words."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import PackageError
from deployer.models.package import Kind, Package
from deployer.package import FileSource, distributions, handler_path, heaviest, index, open_file

RECORD = "numpy/__init__.py,sha256=x,3\nnumpy-2.0.dist-info/RECORD,,\n../../bin/f2py,sha256=y,4\nnumpy/gone.py,,\n"


def info(name: str, mode: int = 0o100644, system: int = 3) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr, made.create_system = mode << 16, system
    return made


def symlink(name: str, target: str) -> tuple[zipfile.ZipInfo, str]:
    return info(name, 0o120777), target


Make = Callable[..., Path]


@pytest.fixture
def zipped(tmp_path: Path) -> Make:
    """Makes a zip of names with contents and returns its path."""

    def make(*members: tuple[str | zipfile.ZipInfo, str | bytes]) -> Path:
        path = tmp_path / "package.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, contents in members:
                archive.writestr(info(name) if isinstance(name, str) else name, contents)
        return path

    return make


def indexed(path: Path) -> Package:
    with open_file(path) as source:
        return index(source)


def refusal(path: Path) -> str:
    with pytest.raises(PackageError) as caught:
        indexed(path)
    assert caught.value.advice
    return caught.value.what


class CountingSource:
    """How often, and how much, a source is read."""

    def __init__(self, source: FileSource) -> None:
        self._source, self.size = source, source.size
        self.reads: list[int] = []

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append(length)
        return self._source.read(offset, length)


# -- index -----------------------------------------------------------------------------------------------------


def test_entries_have_kind_mode_and_target(zipped: Make) -> None:
    entries = indexed(
        zipped(("a.py", "1"), (info("bin/run", 0o100711), "2"), symlink("bin/link", "../a.py"), ("empty/", ""))
    ).entries
    assert [(path, entry.kind, oct(entry.mode)) for path, entry in entries.items()] == [
        ("a.py", Kind.FILE, "0o644"),
        ("bin", Kind.DIRECTORY, "0o755"),
        ("bin/link", Kind.SYMLINK, "0o755"),
        ("bin/run", Kind.FILE, "0o755"),
        ("empty", Kind.DIRECTORY, "0o755"),
    ]
    assert entries["bin/link"].target == "../a.py"


def test_an_entry_made_on_windows_is_readable(zipped: Make) -> None:
    assert indexed(zipped((info("a.py", 0, system=0), "1"))).entries["a.py"].mode == 0o644


def test_a_dot_in_front_of_a_path_makes_no_difference(zipped: Make) -> None:
    assert list(indexed(zipped(("./a.py", "1"), ("b//c.py", "2"))).entries) == ["a.py", "b", "b/c.py"]


def test_the_identity_is_of_the_files_and_not_of_the_zip(zipped: Make, tmp_path: Path) -> None:
    plain = indexed(zipped(("pkg/", ""), ("pkg/a.py", "1" * 99))).identity
    with zipfile.ZipFile(tmp_path / "other.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pkg/a.py", "1" * 99)
    assert indexed(tmp_path / "other.zip").identity == plain
    assert indexed(zipped(("pkg/a.py", "2" * 99))).identity != plain


def test_a_thousand_entries_are_indexed_in_a_few_reads(zipped: Make) -> None:
    path = zipped(*((f"pkg/{number}.py", "x" * 5_000) for number in range(1_000)), symlink("pkg/link", "1.py"))
    with open_file(path) as source:
        index(counting := CountingSource(source))
    assert len(counting.reads) <= 4


def test_a_changed_file_is_noticed(zipped: Make) -> None:
    with open_file(path := zipped(("a.py", "1"))) as source:
        path.write_bytes(path.read_bytes() + b"more")
        with pytest.raises(PackageError, match="was changed"):
            index(source)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"nothing\.zip cannot be read: No such file"):
        open_file(tmp_path / "nothing.zip")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"hello, world", "not a zip"),
        (b"PK\3\4" + b"\0" * 100, "cut off"),
        (b"PK\5\6" + b"\0" * 18, "no files"),
    ],
)
def test_what_is_no_zip_is_said_so(tmp_path: Path, data: bytes, words: str) -> None:
    (path := tmp_path / "package.zip").write_bytes(data)
    assert words in refusal(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/passwd", "'/etc/passwd' would be unpacked outside"),
        ("a/../../b", "outside the package"),
        ("a/" * 2_100 + "b", "too long"),
        ("a" * 256, "too long"),
        (info("pkg\\a.py", system=0), "backslashes"),
        (info("pipe", stat.S_IFIFO | 0o644), "neither file, folder nor symlink"),
    ],
)
def test_an_entry_that_lambda_could_not_unpack_is_refused_by_name(
    zipped: Make, name: str | zipfile.ZipInfo, words: str
) -> None:
    assert words in refusal(zipped((name, "1")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_twice_is_refused(zipped: Make) -> None:
    assert "'a.py' twice" in refusal(zipped(("a.py", "1"), ("a.py", "2")))


def test_a_file_that_is_also_a_folder_is_refused(zipped: Make) -> None:
    assert "'a' as a file, and 'a/b' below it" in refusal(zipped(("a/b", "1"), ("a", "2")))


def test_a_symlink_that_is_also_a_folder_is_refused(zipped: Make) -> None:
    assert "'a' as a file, and 'a/b' below it" in refusal(zipped(("a/b", "1"), symlink("a", "/etc")))


@pytest.mark.parametrize("target", ["../x", "a/../../x", "over/../../x", "missing/../../../x"])
def test_a_symlink_that_climbs_out_is_refused(zipped: Make, target: str) -> None:
    path = zipped(("a/b", "1"), symlink("over", "a"), symlink("link", target))
    assert "'link' leads out of the package" in refusal(path)


@pytest.mark.parametrize("target", ["/opt/lib/x.so", "/tmp/unpacked", "nothing", "link", "/var/task/a"])
def test_a_symlink_that_leads_to_a_layer_or_nowhere_is_kept(zipped: Make, target: str) -> None:
    assert indexed(zipped(("a", "1"), symlink("link", target))).entries["link"].target == target


def patched(path: Path, signature: bytes, offset: int, value: bytes) -> Path:
    """The first record of a kind with some bytes replaced."""
    data = bytearray(path.read_bytes())
    start = data.index(signature) + offset
    data[start : start + len(value)] = value
    path.write_bytes(data)
    return path


def test_an_encrypted_entry_is_refused(zipped: Make) -> None:
    assert "'a' is encrypted" in refusal(patched(zipped(("a", "1")), b"PK\1\2", 8, b"\1\0"))


def test_an_unknown_method_is_refused(zipped: Make) -> None:
    assert "packed by method 93" in refusal(patched(zipped(("a", "1")), b"PK\1\2", 10, b"\x5d\0"))


def test_entries_that_share_data_are_refused(zipped: Make) -> None:
    path = zipped(("a", "1"), ("b", "1"))
    second = path.read_bytes().rindex(b"PK\1\2")
    data = bytearray(path.read_bytes())
    data[second + 42 : second + 46] = b"\0\0\0\0"
    path.write_bytes(data)
    assert "overlaps" in refusal(path)


def test_an_entry_behind_the_end_is_refused(zipped: Make) -> None:
    assert "outside the file" in refusal(patched(zipped(("a", "1")), b"PK\1\2", 42, b"\xf0\xff\0\0"))


def test_a_directory_that_promises_more_entries_is_refused(zipped: Make) -> None:
    assert "holds 1 entries and promises 9" in refusal(patched(zipped(("a", "1")), b"PK\5\6", 10, b"\x09\0"))


# -- what is in a package --------------------------------------------------------------------------------------


def test_the_heaviest_parts_come_first(zipped: Make) -> None:
    package = indexed(zipped(("a/x", "1" * 5), ("a/y", "1" * 5), ("b", "1" * 7), ("c", "1")))
    assert heaviest(package, 2) == (("a", 10), ("b", 7))


@pytest.mark.parametrize(
    ("handler", "path"),
    [
        ("app.handler", "app.py"),
        ("pkg/sub.mod.handler", "pkg/sub/mod.py"),
        ("pkg.sub.mod.handler", "pkg/sub/mod.py"),
        ("pkg.handler", "pkg/__init__.py"),
        ("fast.handler", "fast.cpython-311-x86_64-linux-gnu.so"),
        ("old.handler", "old.pyc"),
        ("linked.mod.handler", "linked/mod.py"),
        ("nothing.handler", None),
        ("pkg.sub.handler", None),
        ("app", None),
    ],
)
def test_the_handler_is_found_as_the_runtime_finds_it(zipped: Make, handler: str, path: str | None) -> None:
    names = ["app.py", "pkg/__init__.py", "pkg/sub/mod.py", "fast.cpython-311-x86_64-linux-gnu.so", "old.pyc"]
    package = indexed(zipped(*((name, "1") for name in names), symlink("linked", "pkg/sub")))
    assert handler_path(package, handler) == path


def test_a_distribution_has_the_files_of_its_record(zipped: Make) -> None:
    path = zipped(
        ("numpy/__init__.py", "abc"),
        ("bin/f2py", "1234"),
        ("numpy-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: NumPy\nVersion: 2.0\n\nName: other\n"),
        ("numpy-2.0.dist-info/RECORD", RECORD),
    )
    with open_file(path) as source:
        (found,) = distributions(source, index(source))
    assert (found.name, found.version, found.folder) == ("NumPy", "2.0", "numpy-2.0.dist-info")
    assert found.files == {"numpy/__init__.py", "numpy-2.0.dist-info/RECORD", "bin/f2py"}


def test_a_distribution_without_a_record_has_its_top_level_folder(zipped: Make) -> None:
    path = zipped(
        ("lib/my_pkg/a.py", "1"), ("lib/other/b.py", "1"), ("lib/My.Pkg-1.2.dist-info/INSTALLER", "conda"),
        ("lib/six.py", "1"), ("lib/six-1-py3.11.egg-info/top_level.txt", "six\n"),
    )  # fmt: skip
    with open_file(path) as source:
        found = {one.name: one for one in distributions(source, index(source))}
    assert (found["My.Pkg"].version, found["My.Pkg"].files) == ("1.2", frozenset({"lib/my_pkg/a.py"}))
    assert (found["six"].version, found["six"].files) == ("1", frozenset({"lib/six.py"}))


def test_an_egg_info_file_is_metadata_itself(zipped: Make) -> None:
    with open_file(zipped(("old.egg-info", "Name: Old\nVersion: 3\n"), ("old.py", "1"))) as source:
        (found,) = distributions(source, index(source))
    assert (found.name, found.version, found.files) == ("Old", "3", frozenset({"old.py"}))
