"""The manifest names each file of a zip with the place of its bytes, and is the same each time."""

import calendar
import hashlib
import io
import json
import zipfile
from base64 import b64encode
from dataclasses import dataclass

from deployer.instrumentation import manifest
from deployer.package import index, members


@dataclass
class Memory:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def a_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "x = 1\n" * 100)
        archive.writestr("data/raw.bin", b"\0\1\2", zipfile.ZIP_STORED)
        archive.writestr("empty/", "")
        link = zipfile.ZipInfo("libx.so")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "data/raw.bin")
    return stream.getvalue()


PLACE = manifest.InBucket("bucket", "ldeploy/1.zip", '"etag"', 123, "eu-west-1")


def test_each_file_is_named_with_the_place_and_the_checks_of_its_bytes() -> None:
    data = a_zip()
    package = index(Memory(data))
    made = manifest.of_zip(package, PLACE, members.digests(Memory(data), package))
    document = json.loads(manifest.to_json(made))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = {info.filename: info for info in archive.infolist()}
    for path, mode, size, crc32, source, offset, packed, method, changed, sha256 in document["files"]:
        info = told[path]
        assert (size, crc32, offset, packed, method) == (
            info.file_size,
            info.CRC,
            info.header_offset,
            info.compress_size,
            info.compress_type,
        )
        start = offset + 30 + len(info.filename) + len(info.extra)
        assert sha256 == b64encode(hashlib.sha256(data[start : start + packed]).digest()).decode()
        assert (mode, source, changed) == (0o644, 0, calendar.timegm((*info.date_time, 0, 0, 0)))
    assert [row[0] for row in document["files"]] == ["app.py", "data/raw.bin"]
    assert document["links"] == [["libx.so", "data/raw.bin"]]
    assert document["folders"] == ["empty"]
    assert document["bytes"] == 603
    assert document["sources"] == [PLACE.fields()]


def test_the_same_package_gives_the_same_manifest_below_its_own_label() -> None:
    package = index(Memory(a_zip()))
    digests = members.digests(Memory(a_zip()), package)
    made = manifest.of_zip(package, PLACE, digests)
    assert manifest.to_json(made) == manifest.to_json(manifest.of_zip(package, PLACE, digests))
    assert made.root == f"/tmp/ldeploy-{package.label}"
