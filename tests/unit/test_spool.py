"""What waits in the spool, deflated as a whole or in parts: it unpacks to what it was, and is the same each time."""

import random
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.models.package import Entry, Kind
from deployer.package import zipformat
from deployer.slim import spool
from deployer.slim.spool import BEST, LEVEL, Spool

ENTRY = Entry("a/b.so", Kind.FILE, 0, 0, 0, 0o644, zipformat.DEFLATED, 0)
PART = 1000


@pytest.fixture
def parted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything over 1,000 bytes is deflated in parts of as much."""
    monkeypatch.setattr(spool, "_WHOLE", PART)
    monkeypatch.setattr(spool, "_BLOCK", PART)


@pytest.mark.usefixtures("parted")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=50), st.integers(0, 20 * PART))
def test_what_was_packed_in_parts_unpacks_to_what_it_was(pattern: bytes, size: int) -> None:
    data = (pattern * (size // max(len(pattern), 1)))[:size]
    stream = b"".join(spool.deflated(data, LEVEL))
    assert zlib.decompress(stream, -zlib.MAX_WBITS) == data
    assert b"".join(spool.deflated(data, LEVEL)) == stream


@pytest.mark.usefixtures("parted")
@pytest.mark.parametrize("level", [LEVEL, BEST])
@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 30 * PART])
def test_the_entry_tells_of_what_was_packed(level: int, size: int, tmp_path: Path) -> None:
    plain = b"text" * size
    noise = random.Random(1).randbytes(size)
    with Spool(tmp_path) as parts:
        packed = [(data, parts.pack(ENTRY, data, level)) for data in (plain, noise)]
        for data, part in packed:
            assert parts.contents(part) == data
            assert (part.entry.size, part.entry.crc32) == (len(data), zlib.crc32(data))
    method = zipformat.STORED if size < 2 else zipformat.DEFLATED
    assert [part.entry.method for _, part in packed] == [method, zipformat.STORED]


@pytest.mark.usefixtures("parted")
def test_a_part_knows_what_lies_before_it() -> None:
    noise = random.Random(1).randbytes(PART)
    assert len(b"".join(spool.deflated(noise * 20, LEVEL))) < 2 * PART
