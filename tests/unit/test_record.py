"""Whatever a sandbox touched survives being written, split, shuffled, doubled and read back."""

import json
import os
import random
import zlib
from binascii import b2a_base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probe_layer.record import (
    HEAD,
    LIMIT,
    MARK,
    SEEN_BY,
    SMALLEST_SHARE,
    CutError,
    MisfitError,
    Record,
    decode,
    encode,
    name_touch,
    read_touch,
)

KINDS = ("opened", "looked", "listed", "executed", "loaded", "opened@inotify", "listed@audit+shim")
LONG = 200_000
"""A limit within which the records below are one line."""
paths = st.binary(min_size=1, max_size=60).map(lambda name: name.decode("utf-8", "surrogateescape"))
WITNESSES = ("inotify", "shim", "maps")
names = st.binary(max_size=20).map(lambda name: name.decode("utf-8", "surrogateescape"))
touches = st.dictionaries(st.sampled_from(KINDS), st.lists(paths, min_size=1, max_size=20, unique=True).map(sorted))
records = st.builds(
    Record,
    timestamp=st.just("2026-01-02T03:04:05.678Z"),
    level=st.sampled_from(["INFO", "ERROR"]),
    sandbox=st.text("0123456789abcdef", min_size=16, max_size=16),
    line=st.integers(0, 10**6),
    package=st.text("0123456789abcdef", max_size=16),
    phase=st.sampled_from(["start", "invoke", "idle"]),
    request=st.none() | st.uuids().map(str),
    invocations=st.integers(0, 1000),
    witnesses=st.just(["inotify", "shim"]),
    faults=st.lists(st.sampled_from(["inotify-overflow", "shim-missing"]), unique=True),
    touched=touches,
    share=st.floats(SMALLEST_SHARE, 1),
    imported=st.dictionaries(names, st.lists(paths, min_size=1, max_size=5, unique=True).map(sorted), max_size=5),
)


LINE = (
    '{"record":"ldeploy/1","timestamp":"2026-01-02T03:04:05Z","level":"INFO","sandbox":"aaaaaaaaaaaaaaaa","line":0,'
    '"package":"bbbbbbbbbbbbbbbb","phase":"start","request":null,"invocations":0,"witnesses":[],"faults":[],'
    '"touched":{"opened":["a"]}}'
)
"""As the first probe wrote it."""


def pairs(found: list[Record]) -> set[tuple[str, str]]:
    return {(kind, path) for record in found for kind, paths in record.touched.items() for path in paths}


def askers(found: list[Record]) -> set[tuple[str, str]]:
    return {(module, path) for record in found for module, paths in record.imported.items() for path in paths}


def whole(line: str) -> Record:
    record = decode(line)
    assert record is not None
    return record


@given(records)
def test_a_record_that_fits_one_line_is_read_back_as_it_was(record: Record) -> None:
    assert [decode(line) for line in encode(record, LONG)] == [record]


@given(records, st.integers(1_000, 1_400), st.randoms())
def test_split_shuffled_and_doubled_lines_give_the_same_paths(record: Record, limit: int, order: random.Random) -> None:
    lines = encode(record, limit) * 2
    order.shuffle(lines)
    found = [whole(line) for line in lines]
    assert pairs(found) == pairs([record])
    assert askers(found) == askers([record])
    numbers = {each.line for each in found}
    assert numbers == set(range(record.line, record.line + len(numbers)))


@given(records, st.integers(1_000, 1_400))
def test_invocations_and_faults_are_counted_once(record: Record, limit: int) -> None:
    found = [whole(line) for line in encode(record, limit)]
    assert sum(each.invocations for each in found) == record.invocations
    assert [each.faults for each in found if each.faults] == ([record.faults] if record.faults else [])


def test_a_sandbox_with_many_paths_writes_lines_under_the_limit() -> None:
    many = sorted(f"package/{os.urandom(16).hex()}é.py" for number in range(3_000))
    record = Record("2026-01-02T03:04:05Z", "INFO", "a" * 16, 0, "b" * 16, "start", None, 0, [], [], {"opened": many})
    lines = encode(record)
    assert len(lines) > 5
    assert max(len(line.encode()) for line in lines) <= LIMIT
    assert [path for line in lines for path in whole(line).touched["opened"]] == many


def test_a_path_longer_than_a_line_has_a_line_to_itself() -> None:
    long = "b" + os.urandom(1_500).hex()
    touched = {"opened": ["a", long, "c"]}
    record = Record("2026-01-02T03:04:05Z", "INFO", "a" * 16, 0, "b" * 16, "start", None, 0, [], [], touched)
    assert [whole(line).touched["opened"] for line in encode(record, 2_000)] == [["a"], [long], ["c"]]


@given(records, st.lists(st.binary(min_size=1, max_size=9_000), max_size=8, unique=True), st.integers(1_000, 9_000))
def test_paths_of_any_bytes_and_any_length_are_read_back_once(record: Record, raw: list[bytes], limit: int) -> None:
    long = sorted(map(os.fsdecode, raw))
    found = [whole(line) for line in encode(record._replace(touched={"opened": long}, imported={"m": long}), limit)]
    assert [os.fsencode(path) for each in found for path in each.touched.get("opened", [])] == [*map(os.fsencode, long)]
    assert [os.fsencode(path) for each in found for path in each.imported.get("m", [])] == [*map(os.fsencode, long)]


def test_who_asked_for_a_path_stands_in_its_line() -> None:
    record = whole(LINE)._replace(touched={"opened": [os.urandom(45).hex() for n in range(99)]})
    found = [whole(line) for line in encode(record._replace(imported={"m": record.touched["opened"]}), 1_000)]
    assert len(found) > 10
    assert all(each.imported["m"] == each.touched["opened"] for each in found)


@given(st.sampled_from(["opened", "looked", "listed", "executed", "loaded"]), st.sets(st.sampled_from(WITNESSES)))
def test_the_witnesses_of_a_kind_are_read_back(kind: str, seen: set[str]) -> None:
    name = name_touch(kind, seen | {"audit"})
    found, witnesses = read_touch(name)
    assert found == kind
    assert witnesses == (set(SEEN_BY[kind]) if name == kind else {*seen, "audit"})


@given(records, st.text(max_size=20), st.text(max_size=20))
def test_what_a_function_prints_around_a_record_is_passed_over(record: Record, before: str, behind: str) -> None:
    (line,) = encode(record, LONG)
    assert decode(before + line + behind) == record


@given(records, st.data())
def test_a_line_that_was_cut_off_is_known_as_one(record: Record, data: st.DataObject) -> None:
    (line,) = encode(record, LONG)
    with pytest.raises(CutError):
        decode(line[: data.draw(st.integers(len(HEAD), len(line) - 1))])


@given(st.text())
@example('{"record":"ldeploy/3","timestamp":""}')
@example('{"record": "something else"}')
def test_lines_of_others_are_none_of_ours(line: str) -> None:
    assert decode(line) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(records, st.sampled_from([name for name in Record._fields if name != "request"]), json_values)
def test_a_field_of_another_shape_never_gets_through(record: Record, name: str, value: object) -> None:
    (line,) = encode(record, LONG)
    fields = json.loads(line)
    changed = json.dumps({**fields, name: value}, separators=(",", ":"))
    try:
        found = decode(changed)
    except (CutError, MisfitError):
        return
    assert found is not None
    assert type(getattr(found, name)) is type(getattr(record, name))


@pytest.mark.parametrize("share", ["0.0", "1.5", "-0.5", "5e-324", "NaN", "Infinity", "true", "1", '"0.5"'])
def test_a_share_of_sandboxes_that_is_none_does_not_fit(share: str) -> None:
    with pytest.raises(MisfitError):
        decode(LINE.replace("]}}", f']}},"share":{share}}}'))


def test_a_line_from_before_there_were_shares_speaks_for_every_sandbox() -> None:
    assert whole(LINE).share == 1.0


def test_a_record_is_ascii_on_one_line() -> None:
    touched = {"opened": ["é\n\udce9"]}
    record = Record("2026-01-02T03:04:05Z", "INFO", "a" * 16, 0, "b" * 16, "start", None, 0, [], [], touched)
    (line,) = encode(record, LONG)
    assert line.isascii()
    assert "\n" not in line


OUT_OF_BOUNDS = {
    "timestamp": "2" * 65,
    "level": "I" * 65,
    "sandbox": "a" * 65,
    "package": "b" * 65,
    "phase": "p" * 65,
    "request": "r" * 257,
    "line": 2**31 + 1,
    "invocations": -1,
    "witnesses": ["w"] * 65,
    "faults": ["f" * 65],
}


@pytest.mark.parametrize("name", OUT_OF_BOUNDS)
def test_every_field_has_its_bounds(name: str) -> None:
    for line in (LINE, encode(whole(LINE))[0]):
        with pytest.raises(MisfitError):
            decode(json.dumps({**json.loads(line), name: OUT_OF_BOUNDS[name]}, separators=(",", ":")))


def packed(text: bytes) -> str:
    """A line of our own version with anything deflated in it."""
    fields = json.loads(encode(whole(LINE))[0])
    return json.dumps({**fields, "packed": b2a_base64(zlib.compress(text)).decode()}, separators=(",", ":"))


NOT_PACKED = (
    b"",
    b"[]",
    b"{}",
    b'[["a"],{"opened":[0,2]},{}]',
    b'[["a"],{"opened":[-1,1]},{}]',
    b'[["a"],{"opened":["0",1]},{}]',
    b'[[1],{"opened":[0,1]},{}]',
    b'[["a"],[],{}]',
    b"[" * 100_000,
    b'["' + b"x" * (1 << 20) + b'"]',
)


@pytest.mark.parametrize("text", NOT_PACKED)
def test_paths_that_no_probe_packs_are_known_as_such(text: bytes) -> None:
    with pytest.raises(CutError):
        decode(packed(text))


def test_what_unpacks_to_gigabytes_is_not_unpacked() -> None:
    with pytest.raises(CutError):
        decode(packed(b"[" + b" " * (20 << 20) + b"]"))


def test_a_line_begins_with_the_package_and_leaves_the_usual_out() -> None:
    (line,) = encode(whole(LINE))
    assert line.startswith(f'{{"record":"{MARK}","package":"bbbbbbbbbbbbbbbb","sandbox":"')
    assert len(line) < 250


def test_no_path_can_be_taken_for_an_error_by_a_filter_of_the_log() -> None:
    paths = ["boto3/exceptions.py", "data/Error.txt", "x/exception ERROR failed.log"]
    lines = encode(whole(LINE)._replace(touched={"opened": paths}, imported={"package.errors": paths}))
    assert not any(word in line.lower() for line in lines for word in ("error", "exception", "fail"))


def test_twelve_thousand_files_are_at_most_200_kilobytes() -> None:
    paths = [f"package_{n % 40}/subpackage_{n % 7}/_internal/module_{n}.py" for n in range(12_000)]
    asked = {f"package_{n}.subpackage_{m}": paths[n * 7 + m :: 280] for n in range(40) for m in range(7)}
    record = whole(LINE)._replace(touched={"opened": paths[:11_000], "opened@inotify": paths[11_000:]}, imported=asked)
    lines = encode(record)
    assert sum(map(len, lines)) < 200_000
    assert pairs([whole(line) for line in lines]) == pairs([record])
