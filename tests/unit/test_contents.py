"""A file's bytes in memory, on disk, and joined of pieces: slices of each are those of the bytes."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from deployer.slim.buffers import Joined, OnDisk, chunks, hold, whole

DATA = bytes(range(256))
places = st.integers(0, 300)
ranges = st.builds(range, st.integers(0, 256), st.integers(0, 256))


@given(st.lists(st.binary(max_size=50), max_size=5), places, places)
def test_slices_of_a_file_are_those_of_its_bytes(pieces: list[bytes], start: int, stop: int) -> None:
    data = b"".join(pieces)
    with TemporaryDirectory() as folder:
        for contents in (hold(pieces, len(data), Path(folder)), hold(pieces, 10**9, Path(folder))):
            assert contents[start:stop] == data[start:stop]
            assert (len(contents), whole(contents)) == (len(data), data)


@given(st.lists(st.one_of(st.binary(max_size=20), ranges), max_size=8), places, places)
def test_slices_of_joined_pieces_are_those_of_the_joined_bytes(
    pieces: list[bytes | range], start: int, stop: int
) -> None:
    data = b"".join(DATA[piece.start : piece.stop] if isinstance(piece, range) else piece for piece in pieces)
    joined = Joined(DATA, pieces)
    assert joined[start:stop] == data[start:stop]
    assert (len(joined), whole(joined)) == (len(data), data)


@given(st.binary(max_size=100), places, places, st.integers(1, 40))
def test_chunks_are_the_bytes_in_their_order(data: bytes, start: int, stop: int, size: int) -> None:
    found = list(chunks(data, start, min(stop, len(data)), size))
    assert b"".join(found) == data[start:stop]
    assert all(len(chunk) == size for chunk in found[:-1])


def test_what_is_long_lies_on_disk(tmp_path: Path) -> None:
    assert isinstance(hold([b"a"], 1, tmp_path), bytes)
    assert isinstance(hold([b"a"] * 5, 5 << 20, tmp_path), OnDisk)
    assert not list(tmp_path.iterdir())
