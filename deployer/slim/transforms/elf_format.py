"""What a 64-bit little-endian ELF file says of itself: header, program headers, section headers, as values.

Sources: System V gABI, chapters 4 and 5 (https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html), and
elf.h of glibc.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from deployer.slim.buffers import Contents

MAGIC: Final = b"\x7fELF"
_LITTLE_64: Final = b"\x02\x01\x01"
"""EI_CLASS 64-bit, EI_DATA little-endian, EI_VERSION 1."""
_EXECUTABLE, _SHARED = 2, 3
_LOAD: Final = 1
_NOBITS: Final = 8
_ALLOC: Final = 2
_INSTRUCTIONS: Final = 4
_STRINGS: Final = 3
_LINKER_TYPES: Final = frozenset({2, _STRINGS, 4, 7, 9, 17, 18})
"""SYMTAB, STRTAB, RELA, NOTE, REL, GROUP, SYMTAB_SHNDX: of no use to a program where they are not loaded."""
_TOOL_NAMES: Final = (
    *(b".debug", b".zdebug", b".comment", b".stab", b".gdb_index", b".annobin", b".gnu.build.attributes"),
    *(b".gnu_debug", b".gnu.lto_", b".gnu.warning", b".GCC.command.line", b".llvm", b".note", b".ident"),
)
"""How the names of sections begin that compilers and debuggers write for one another."""


class UnusualError(Exception):
    """The file is none that may be trimmed; the text is the reason."""


def require(holds: bool, reason: str) -> None:
    """Raises UnusualError with the reason unless it holds."""
    if not holds:
        raise UnusualError(reason)


class Header(NamedTuple):
    """Elf64_Ehdr."""

    ident: bytes
    kind: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int

    def without_sections(self) -> Self:
        """The header of a file that has no section headers."""
        return self._replace(shoff=0, shnum=0, shstrndx=0)


class Segment(NamedTuple):
    """Elf64_Phdr: ``size`` bytes at ``offset`` of the file, ``memory`` bytes at ``address``."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    memory: int
    align: int

    @property
    def loaded(self) -> bool:
        return self.kind == _LOAD

    @property
    def end(self) -> int:
        return self.offset + self.size

    def holds(self, other: "Segment") -> bool:
        """Whether the other's bytes are mapped by this one, at the other's own address."""
        inside = self.offset <= other.offset and other.end <= self.end
        return inside and self.address - self.offset == other.address - other.offset


class Section(NamedTuple):
    """Elf64_Shdr, with its name's first 32 bytes (and what follows the name there)."""

    name: bytes
    kind: int
    flags: int
    offset: int
    size: int
    align: int

    @property
    def loaded(self) -> bool:
        """Whether it is there at run time."""
        return bool(self.flags & _ALLOC)

    @property
    def end(self) -> int:
        """Where its bytes in the file end."""
        return self.offset + (0 if self.kind == _NOBITS else self.size)

    @property
    def for_tools_only(self) -> bool:
        """Neither loaded nor of a kind that a program could have put there for itself."""
        known = self.kind in _LINKER_TYPES or self.name.startswith(_TOOL_NAMES)
        return known and not self.loaded

    @property
    def loaded_strings(self) -> bool:
        """Names of symbols for the dynamic loader."""
        return self.kind == _STRINGS and self.loaded

    @property
    def missing_instructions(self) -> bool:
        """Code whose bytes are in another file: this one holds the debug information."""
        return self.kind == _NOBITS and bool(self.flags & _INSTRUCTIONS)


HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT: Final = struct.Struct("<IIQQQQQQ")
SECTION: Final = struct.Struct("<IIQQQQIIQQ")


def read_header(view: Contents) -> Header:
    """The ELF header.

    Raises:
        UnusualError: not a 64-bit little-endian library or executable, or its program headers are elsewhere.
    """
    beginning = bytes(view[: HEADER.size])
    require(beginning[:4] == MAGIC, "not an ELF file")
    require(beginning[4:7] == _LITTLE_64, "not 64-bit and little-endian")
    require(len(beginning) == HEADER.size, "cut off in its header")
    header = Header._make(HEADER.unpack(beginning))
    require(header.kind in (_EXECUTABLE, _SHARED), "neither a shared library nor an executable")
    usual = (header.ehsize, header.phoff, header.phentsize) == (HEADER.size, HEADER.size, SEGMENT.size)
    require(usual and header.phnum < 0xFFFF, "its program headers are not right behind the ELF header")
    return header


def read_segments(view: Contents, header: Header) -> list[Segment]:
    """All program headers, in their order.

    Raises:
        UnusualError: the file ends within them.
    """
    table = view[HEADER.size : HEADER.size + header.phnum * SEGMENT.size]
    require(len(table) == header.phnum * SEGMENT.size, "cut off in its program headers")
    return [Segment._make(fields) for fields in SEGMENT.iter_unpack(table)]


def read_sections(view: Contents, header: Header) -> list[Section]:
    """All sections, in their order; none where the file has no section headers.

    Raises:
        UnusualError: the file ends within them, or they are of an odd kind.
    """
    if not header.shoff:
        return []
    require(header.shnum > 0 and header.shentsize == SECTION.size, "its section headers are of an odd kind")
    table = view[header.shoff : header.shoff + header.shnum * SECTION.size]
    require(len(table) == header.shnum * SECTION.size, "cut off in its section headers")
    rows = list(SECTION.iter_unpack(table))
    names = rows[header.shstrndx][4] if header.shstrndx < len(rows) else len(view)
    return [
        Section(bytes(view[names + name : names + name + 32]), kind, flags, offset, size, align)
        for name, kind, flags, _address, offset, size, _link, _info, align, _ in rows
    ]


def is_old_table(table: bytes, sections: Sequence[Section]) -> bool:
    """Whether bytes are section headers that patchelf left where they were when it wrote new ones, then zeros.

    Most of their rows are those of the file's own sections; patchelf moves only a few.
    """
    whole_rows = len(table) // SECTION.size
    rows = SECTION.iter_unpack(table[: whole_rows * SECTION.size])
    old = [(kind, flags, offset, size) for _, kind, flags, _, offset, size, *_ in rows]
    used = -(-len(table.rstrip(b"\0")) // SECTION.size)
    own = {(section.kind, section.flags, section.offset, section.size) for section in sections}
    same = sum(row in own for row in old[:used])
    begins = bool(old) and not any(old[0])
    return begins and used <= min(whole_rows, len(sections) + 1) and 2 * same > used
