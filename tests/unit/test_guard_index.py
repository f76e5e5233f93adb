"""The guard's index: what is written is read again, and found by its name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe_layer.guard.index import DEFLATED, FILE, FOLDER, KEEPER, SONAME, Index, Row, encode, key_of, soname_path
from probe_layer.guard.line import decode, fault_line

LABEL = "0123456789abcdef"
NAMES = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=8)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def row(path: str, **fields) -> Row:
    return Row(path, FILE, 7, 1 << 40, 5, 0o755, DEFLATED, 1_000_000_000, bytes(range(32)), **fields)


@given(st.sets(PATHS, max_size=30))
def test_every_path_is_found_and_nothing_else(paths: set[str]) -> None:
    index = Index(encode([row(path) for path in paths], LABEL, {}))
    found = {path: number for path in paths if (number := index.find(path)) is not None}
    assert {path: index[number] for path, number in found.items()} == {path: row(path) for path in paths}
    assert index.find("x" * 9) is None
    assert [each.path for each in index.rows()] == sorted(paths, key=key_of)


def test_what_is_in_a_folder_stands_right_behind_it() -> None:
    folders, files = ["a", "a/b"], ["a/b/c.py", "a/z.py", "a-1.0/METADATA", "a.py", "ab.py"]
    rows = [Row(path, FOLDER) for path in folders] + [row(path) for path in files]
    index = Index(encode(rows, LABEL, {}))
    number = index.find("a")
    assert number is not None
    assert [index[each].path for each in index.below(number)] == ["a/b", "a/b/c.py", "a/z.py"]


def test_needs_names_of_bytes_and_what_it_is_about_are_kept() -> None:
    odd = "caf\udce9.so"
    rows = [row(odd, needs=("z.so",)), row("z.so"), Row("k.so", KEEPER, needs=(odd, "z.so"))]
    rows.append(Row(soname_path("z.so"), SONAME, needs=("z.so",)))
    about = {"bucket": "b", "key": "ü", "blocks": [[0, 1, 2, "xz"]]}
    index = Index(encode(rows, LABEL, about))
    assert set(index.rows()) == set(rows)
    assert (index.about, index.package) == (json.loads(json.dumps(about)), LABEL)


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = [row("a"), row("b/c"), row("b.c")]
    assert encode(rows, LABEL, {"x": 1, "y": 2}) == encode(rows[::-1], LABEL, {"y": 2, "x": 1})


@pytest.mark.parametrize("data", [b"", b"ldguard1", b"ldguard2" + bytes(100)])
def test_what_is_no_index_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no index"):
        Index(data)


# -- lines of the log ------------------------------------------------------------------------------------------------


def test_a_fault_is_read_again() -> None:
    line = decode("printed before" + fault_line(LABEL, "ab" * 8, "guard-denied", 'it "may" not: é' + "x" * 5000))
    assert line is not None
    assert (line.package, line.fault, line.miss, line.served) == (LABEL, "guard-denied", "", False)
    assert line.text.startswith('it "may" not: é')
    assert len(fault_line(LABEL, "ab" * 8, "guard-denied", "é" * 5000)) < 8192


@pytest.mark.parametrize(
    "text",
    [
        "nothing of ours",
        '{"record":"ldeploy-guard/1"',
        '{"record":"ldeploy-guard/1"}',
        '{"record":"ldeploy-guard/1","timestamp":"t","package":"p","sandbox":"s","miss":1}',
        '{"record":"ldeploy-guard/1","timestamp":"t","package":"p","sandbox":"s","miss":"a","fault":"b"}',
        '{"record":"ldeploy-guard/1","timestamp":"t","package":"p","sandbox":"s","miss":"a","ms":"1"}',
    ],
)
def test_what_is_no_line_of_ours_is_passed_over(text: str) -> None:
    assert decode(text) is None
