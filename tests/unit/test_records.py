"""A distribution's list of its files holds what is kept of them, and is left alone where it cannot be read."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from deployer.slim.transforms.records import RECORD, kept_rows

PATH = "lib/thing-1.0.dist-info/RECORD"
TEXT = (
    b"thing/__init__.py,sha256=abc,10\r\n"
    b"thing/core.so,sha256=def,2000\n"
    b'"thing/a, b.txt",sha256=ghi,3\n'
    b"../bin/thing,sha256=jkl,4\n"
    b"thing-1.0.dist-info/RECORD,,\n"
)


def test_rows_of_what_is_kept_stay_as_they_are():
    kept = {"lib/thing/__init__.py", "lib/thing/a, b.txt", "bin/thing", PATH}
    assert kept_rows(TEXT, PATH, kept, {PATH}) == (
        b"thing/__init__.py,sha256=abc,10\r\n"
        b'"thing/a, b.txt",sha256=ghi,3\n'
        b"../bin/thing,sha256=jkl,4\n"
        b"thing-1.0.dist-info/RECORD,,\n"
    )


def test_what_was_changed_has_no_hash_and_size():
    assert kept_rows(TEXT, PATH, {"lib/thing/core.so"}, {"lib/thing/core.so"}) == b"thing/core.so,,\n"


def test_what_cannot_be_read_stays():
    for text in (b"\xff,,\n", b'"thing,,\n', b"\n"):
        assert kept_rows(text, PATH, {"lib/thing"}, set()) == text


def test_it_is_told_by_its_name():
    assert RECORD.fullmatch("a-1.dist-info/RECORD")
    assert RECORD.fullmatch("python/a-1.dist-info/RECORD")
    assert not RECORD.fullmatch("a-1.dist-info/RECORD.jws")
    assert not RECORD.fullmatch("a/RECORD")


names = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
    lambda name: "/" not in name and name not in {".", ".."}
)


@given(st.dictionaries(names, st.booleans()))
def test_whatever_the_names_are_those_that_are_kept_are_listed(files):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([name, "sha256=x", "1"] for name in files)
    kept = {name for name, stays in files.items() if stays}
    found = kept_rows(text.getvalue().encode(), "a.dist-info/RECORD", kept, set())
    assert [row[0] for row in csv.reader(io.StringIO(found.decode(), newline=""))] == [
        name for name in files if name in kept
    ]
