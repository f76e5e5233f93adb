"""One file out of a zip's bytes: never longer than it may be, and checked before it comes to its place."""

from __future__ import annotations

import binascii
import hashlib
import os
import struct
import zlib
from typing import Iterator, NamedTuple, Protocol

from probe_layer.fetch import Stream, UnpackError

_PORTION = 1 << 20  # bytes unpacked at a time, at most
_HEADER = struct.Struct("<4s4xH16xHH")
LONGEST_HEADER = _HEADER.size + 2 * 65535
"""Bytes of a local header."""


class File(NamedTuple):
    """A row of the manifest (``deployer.instrumentation.manifest.PackedFile``)."""

    path: str
    mode: int
    size: int
    crc32: int
    source: int
    offset: int
    packed: int
    method: int
    changed: int  # seconds since 1970
    sha256: str  # of the bytes as they lie there, base64


class Packed(Protocol):
    """What lies in a zip."""

    @property
    def packed(self) -> int:
        """Bytes there, the local header left out."""
        ...


class Taking(Protocol):
    """Bytes in their order."""

    def take(self, most: int) -> bytes:
        """The next bytes, at least one."""
        ...


def write(file: File, stream: Stream, fresh: str, source: str) -> None:
    """The file under a name of its own: never longer than it may be, and checked.

    Raises:
        UnpackError: the bytes are not those of the manifest.
    """
    if read_header(stream) != file.method:
        raise damaged(file, source)
    digest = Digest(stream)
    size = crc32 = 0
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        for portion in inflated(file, digest) if file.method else stored(file, digest):
            size += len(portion)
            if size > file.size:
                break
            crc32 = zlib.crc32(portion, crc32)
            rest = memoryview(portion)
            while rest:
                rest = rest[os.write(handle, rest) :]
        os.fchmod(handle, file.mode & 0o555)
        os.utime(handle, (file.changed, file.changed))
    except zlib.error as error:
        raise damaged(file, source) from error
    finally:
        os.close(handle)
    if (size, crc32, digest.base64()) != (file.size, file.crc32, file.sha256):
        raise damaged(file, source)


class Digest:
    """A stream that hashes what is taken from it: equal sizes and CRC-32 are easy to forge, SHA-256 is not.

    Args:
        stream: at the first byte of the file's data.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()

    def take(self, most: int) -> bytes:
        """The next bytes, at least one."""
        data = self._stream.take(most)
        self._sha256.update(data)
        return data

    def base64(self) -> str:
        """Of all bytes so far."""
        return binascii.b2a_base64(self._sha256.digest(), newline=False).decode()


def read_header(stream: Stream) -> int | None:
    """The method by which the bytes behind a local header are packed; None where there is no header."""
    signature, method, name, extra = _HEADER.unpack(stream.exactly(_HEADER.size))
    if signature != b"PK\3\4":
        return None
    stream.exactly(name + extra)
    return int(method)


def stored(file: Packed, stream: Taking) -> Iterator[bytes]:
    """The file's bytes as they lie there."""
    left = file.packed
    while left:
        portion = stream.take(left)
        left -= len(portion)
        yield portion


def inflated(file: Packed, stream: Taking) -> Iterator[bytes]:
    """The file's bytes, a MB at a time however much comes out of them."""
    inflater, left = zlib.decompressobj(-15), file.packed
    while left:
        data = stream.take(left)
        left -= len(data)
        while data:
            portion = inflater.decompress(data, _PORTION)
            data = inflater.unconsumed_tail
            yield portion
    if not inflater.eof:
        raise zlib.error("it ends too soon")


def damaged(file: File, source: str) -> UnpackError:
    """What is said when bytes are not what they should be."""
    return UnpackError(
        "unpack-damaged", "%s in %s is not what was probed: run ldeploy probe again" % (file.path, source)
    )
