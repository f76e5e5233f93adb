"""What is packed so that a package fits: enough, no more than is needed, and only what can be behind a symlink."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import OverLimitError
from deployer.models.evidence import PathEvidence, Phase, Touch
from deployer.models.package import Entry, Kind, Package
from deployer.slim.fit import check_storage, fit, in_time, seconds

MB = 1_000_000


def entry(path, size=5 * MB, packed=None, mode=0o644, kind=Kind.FILE):
    return Entry(path, kind, size, size // 3 if packed is None else packed, 0, mode, 8, 0)


def package(*entries):
    return Package({one.path: one for one in entries}, 0, "0" * 64)


def seen(sandboxes):
    touches = frozenset({Touch.OPENED})
    return PathEvidence(touches, sandboxes, "2026-01-01T00:00:00.000Z", Phase.START, None, "s", frozenset(), "")


STAY = [
    entry("app.py"),
    entry("big/__pycache__/app.cpython-311.pyc"),
    entry("tool", mode=0o755),
    entry("numpy-2.dist-info/RECORD"),
    entry("small.so", size=60_000),
    entry("noise.bin", packed=5 * MB),
    entry("link.so", kind=Kind.SYMLINK),
]


def test_sources_bytecode_programs_metadata_and_what_does_not_shrink_stay():
    assert fit(package(*STAY), 1, {}, 0) == ()
    assert fit(package(*STAY, entry("x.libs/libx.so.1.2")), 1, {}, 0) == ("x.libs/libx.so.1.2",)
    assert fit(package(*STAY, entry("x/core.so", mode=0o755)), 1, {}, 0) == ("x/core.so",)
    assert fit(package(*STAY, entry("model.bin")), 1, {}, 0) == ("model.bin",)


def test_what_cannot_be_freed_is_not_begun():
    assert fit(package(entry("a.so")), 4 * MB, {}, 0) == ()


def test_what_shrinks_most_for_its_size_goes_first():
    assert fit(package(entry("a.so", packed=4 * MB), entry("b.so", packed=MB)), MB, {}, 0) == ("b.so",)


def test_a_big_file_is_not_packed_where_a_small_one_does():
    assert fit(package(entry("a.so", 90 * MB, 20 * MB), entry("b.so", 5 * MB)), 2 * MB, {}, 0) == ("b.so",)


def test_of_two_alike_the_one_that_each_start_needs_is_packed():
    evidence = {"a.so": seen(1), "b.so": seen(10)}
    assert fit(package(entry("a.so"), entry("b.so")), MB, evidence, 10) == ("b.so",)


sizes = st.lists(st.tuples(st.integers(70_000, 90 * MB), st.floats(0.05, 0.95)), max_size=12)


@given(sizes, st.integers(1, 300 * MB))
def test_it_is_enough_and_nothing_can_be_left_out(drawn, over):
    files = package(*(entry(f"{n}.so", size, int(size * share)) for n, (size, share) in enumerate(drawn)))
    frees = {path: one.size - one.packed - 400 for path, one in files.entries.items()}
    chosen = fit(files, over, {}, 0)
    freed = sum(frees[path] for path in chosen)
    if chosen:
        assert freed >= over
        assert all(freed - frees[path] < over for path in chosen)
    else:
        assert sum(free for free in frees.values() if free > 0) < over


@pytest.mark.parametrize(("sizes", "told"), [([], 0), ([250_000_000], 1), ([1] * 1000, 0.1)])
def test_the_cost_at_start_grows_with_bytes_and_files(sizes, told):
    assert seconds(sizes) == pytest.approx(told, abs=0.001)


@pytest.mark.parametrize(
    ("timeout", "unpacked", "said"), [(3, 330 * MB, False), (3, 350 * MB, True), (30, 350 * MB, False)]
)
def test_a_timeout_that_is_too_short_for_a_slow_start_is_said(timeout, unpacked, said):
    assert any(f"timeout ({timeout} s)" in text for text in in_time(timeout, unpacked)) == said


def test_what_no_tmp_can_hold_is_refused_with_what_weighs_most():
    check_storage({"a": 9_000 * MB, "b": 1_000 * MB})
    with pytest.raises(OverLimitError, match=r"needs 10,491 MB.* 10,240 at most") as caught:
        check_storage({"a": 9_000 * MB, "b": 2_000 * MB})
    assert "a 9000.0 MB, b 2000.0 MB" in caught.value.advice
