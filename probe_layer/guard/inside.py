"""Blocks of what was dropped, inside the package: the bytes of one, unpacked piece by piece."""

from __future__ import annotations

import os
from typing import Any, Callable, Iterator

from probe_layer.guard.index import PACK, Block

_PIECE = 1 << 18
_PORTION = 1 << 18


class Blocks:
    """The file of blocks.

    Args:
        folder: that it lies in.
        rows: each block's fields, in order.
        heard: called with how many bytes came.
    """

    def __init__(self, folder: str, rows: list[list[Any]], heard: Callable[[int], None]) -> None:
        self._path, self._rows, self._heard = folder + "/" + PACK, rows, heard

    def __str__(self) -> str:
        return self._path

    def open(self, number: int) -> Portions:
        """The bytes of a block."""
        block = Block(*self._rows[number])
        return Portions(unpack(block, self._read(block)), self._heard)

    def _read(self, block: Block) -> Iterator[bytes]:
        file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for at in range(block.offset, block.offset + block.packed, _PIECE):
                yield os.pread(file, min(_PIECE, block.offset + block.packed - at), at)
        finally:
            os.close(file)


class Portions:
    """Portions as something to be read from; ``heard`` is called with how many bytes came."""

    def __init__(self, portions: Iterator[bytes], heard: Callable[[int], None]) -> None:
        self._portions, self._heard, self._rest = portions, heard, b""

    def read(self, most: int) -> bytes:
        """The next bytes; none at the end."""
        if not self._rest:
            self._rest = next(self._portions, b"")
            self._heard(len(self._rest))
        data, self._rest = self._rest[:most], self._rest[most:]
        return data

    def close(self) -> None:
        """Nothing is left open."""


def unpack(block: Block, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The contents of a block, at most a MB at a time.

    Raises:
        ValueError: they are not what they should be.
    """
    if block.method == "stored":
        yield from pieces
    else:
        yield from _from_xz(pieces)


def _from_xz(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import lzma  # noqa: PLC0415 - for the blocks that are packed so

    unpacker = lzma.LZMADecompressor()
    try:
        for piece in pieces:
            yield unpacker.decompress(piece, _PORTION)
            while not unpacker.eof and not unpacker.needs_input:
                yield unpacker.decompress(b"", _PORTION)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from error
