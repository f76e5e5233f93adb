"""What a 64-bit little-endian ELF file says of itself: header, program headers, section headers, as values.

Sources: System V gABI, chapters 4 and 5 (https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html), and
elf.h of glibc.
"""

import re
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from deployer.slim.buffers import Contents

ELFMAG: Final = b"\x7fELF"
_ELFCLASS64_LSB: Final = b"\x02\x01\x01"
"""EI_CLASS 64-bit, EI_DATA little-endian, EI_VERSION 1."""
ET_EXEC, ET_DYN = 2, 3
EM_X86_64: Final = 62
PT_LOAD: Final = 1
SHT_NOBITS: Final = 8
SHF_ALLOC: Final = 2
SHF_EXECINSTR: Final = 4
SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOTE, SHT_REL, SHT_GROUP, SHT_SYMTAB_SHNDX = 2, 3, 4, 7, 9, 17, 18
_LINKER_TYPES: Final = frozenset({SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOTE, SHT_REL, SHT_GROUP, SHT_SYMTAB_SHNDX})
"""Sections that a program has no use for where they are not loaded."""
_TOOL_NAMES: Final = (
    *(b".debug", b".zdebug", b".comment", b".stab", b".gdb_index", b".annobin", b".gnu.build.attributes"),
    *(b".gnu_debug", b".gnu.lto_", b".gnu.warning", b".GCC.command.line", b".llvm", b".note.GNU-stack", b".ident"),
)
"""How the names of sections begin that compilers and debuggers write for one another."""
_TOOLCHAIN_NAMES: Final = re.compile(
    rb"""\.(interp|text|init|fini|plt|rodata|data|bss|sdata|sbss|l(text|rodata|data|bss)|t(data|bss)|got|rel[ar]?
    |dynamic|dynsym|dynstr|(gnu\.)?hash|gnu\.(version(_[dr])?|attributes|liblist|conflict)
    |eh_frame(_hdr)?|gcc_except_table|(pre)?init_array|fini_array|[cd]tors|jcr|tm_clone_table|stapsdt|probes
    |go|gopclntab|gosymtab|typelink|itablink|noptr(data|bss)
    |relro_padding|note\.(gnu|ABI-tag|GNU-stack|stapsdt|go|package|dlopen|crashpad|android))(\..*)?|\.note""",
    re.VERBOSE,
)
"""Sections that every linker, GCC, Clang, Rust and Go write, and that code reaches by their addresses."""


class UnusualError(Exception):
    """The file may not be trimmed; the text is the reason."""


def require(holds: bool, reason: str) -> None:
    """Raise UnusualError with the reason unless it holds."""
    if not holds:
        raise UnusualError(reason)


class Header(NamedTuple):
    """Elf64_Ehdr."""

    e_ident: bytes
    e_type: int
    e_machine: int
    e_version: int
    e_entry: int
    e_phoff: int
    e_shoff: int
    e_flags: int
    e_ehsize: int
    e_phentsize: int
    e_phnum: int
    e_shentsize: int
    e_shnum: int
    e_shstrndx: int

    def without_sections(self) -> Self:
        """Return the header of a file that has no section headers."""
        return self._replace(e_shoff=0, e_shnum=0, e_shstrndx=0)


class Segment(NamedTuple):
    """Elf64_Phdr: ``p_filesz`` bytes of the file, ``p_memsz`` bytes of memory."""

    p_type: int
    p_flags: int
    p_offset: int
    p_vaddr: int
    p_paddr: int
    p_filesz: int
    p_memsz: int
    p_align: int

    @property
    def loaded(self) -> bool:
        return self.p_type == PT_LOAD

    @property
    def end(self) -> int:
        return self.p_offset + self.p_filesz

    def holds(self, other: "Segment") -> bool:
        """Return whether this one maps the other's bytes, at the other's own address."""
        inside = self.p_offset <= other.p_offset and other.end <= self.end
        return inside and self.p_vaddr - self.p_offset == other.p_vaddr - other.p_offset


class Section(NamedTuple):
    """Elf64_Shdr, with its name's first 32 bytes (and what follows the name there)."""

    sh_name: bytes
    sh_type: int
    sh_flags: int
    sh_offset: int
    sh_size: int
    sh_addralign: int

    @property
    def loaded(self) -> bool:
        """Whether it is there at run time."""
        return bool(self.sh_flags & SHF_ALLOC)

    @property
    def end(self) -> int:
        """Where its bytes in the file end."""
        return self.sh_offset + (0 if self.sh_type == SHT_NOBITS else self.sh_size)

    @property
    def for_tools_only(self) -> bool:
        """Neither loaded nor of a kind that a program could have put there for itself."""
        known = self.sh_type in _LINKER_TYPES or self.sh_name.startswith(_TOOL_NAMES)
        return known and not self.loaded

    @property
    def name(self) -> str:
        """Its name, as much of it as is known."""
        return self.sh_name.partition(b"\0")[0].decode("ascii", "replace")

    @property
    def read_by_name(self) -> bool:
        """Whether a program may look for it in the file: Qt finds ``.qtmetadata`` so, and ``.note.qt.metadata``.

        A name without a dot at its beginning is one of C's, whose bounds the linker gives to the code
        (``__start_name``).
        """
        own = self.sh_name.startswith(b".") and not _TOOLCHAIN_NAMES.fullmatch(self.sh_name.partition(b"\0")[0])
        return own and (self.loaded or (self.sh_type == SHT_NOTE and not self.sh_name.startswith(_TOOL_NAMES)))

    @property
    def loaded_strings(self) -> bool:
        """Names of symbols for the dynamic loader."""
        return self.sh_type == SHT_STRTAB and self.loaded

    @property
    def missing_instructions(self) -> bool:
        """Code whose bytes are in another file: this one holds the debug information."""
        return self.sh_type == SHT_NOBITS and bool(self.sh_flags & SHF_EXECINSTR)


HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT: Final = struct.Struct("<IIQQQQQQ")
SECTION: Final = struct.Struct("<IIQQQQIIQQ")


def read_header(view: Contents) -> Header:
    """Return the ELF header.

    Raises:
        UnusualError: not a 64-bit little-endian library or executable, or its program headers are elsewhere.
    """
    beginning = bytes(view[: HEADER.size])
    require(beginning[:4] == ELFMAG, "not an ELF file")
    require(beginning[4:7] == _ELFCLASS64_LSB, "not 64-bit and little-endian")
    require(len(beginning) == HEADER.size, "cut off in its header")
    header = Header._make(HEADER.unpack(beginning))
    require(header.e_type in (ET_EXEC, ET_DYN), "neither a shared library nor an executable")
    usual = (header.e_ehsize, header.e_phoff, header.e_phentsize) == (HEADER.size, HEADER.size, SEGMENT.size)
    require(usual and header.e_phnum < 0xFFFF, "its program headers are not right behind the ELF header")
    return header


def read_segments(view: Contents, header: Header) -> list[Segment]:
    """Return all program headers, in their order.

    Raises:
        UnusualError: the file ends within them.
    """
    table = view[HEADER.size : HEADER.size + header.e_phnum * SEGMENT.size]
    require(len(table) == header.e_phnum * SEGMENT.size, "cut off in its program headers")
    return [Segment._make(fields) for fields in SEGMENT.iter_unpack(table)]


def read_sections(view: Contents, header: Header) -> list[Section]:
    """Return all sections, in their order; none where the file has no section headers.

    Raises:
        UnusualError: the file ends within them, or they are of an odd kind.
    """
    if not header.e_shoff:
        return []
    require(header.e_shnum > 0 and header.e_shentsize == SECTION.size, "its section headers are of an odd kind")
    table = view[header.e_shoff : header.e_shoff + header.e_shnum * SECTION.size]
    require(len(table) == header.e_shnum * SECTION.size, "cut off in its section headers")
    rows = list(SECTION.iter_unpack(table))
    names = rows[header.e_shstrndx][4] if header.e_shstrndx < len(rows) else len(view)
    return [
        Section(bytes(view[names + name : names + name + 32]), kind, flags, offset, size, align)
        for name, kind, flags, _address, offset, size, _link, _info, align, _ in rows
    ]


def is_old_table(table: bytes, sections: Sequence[Section]) -> bool:
    """Return whether bytes are section headers that patchelf left behind when it wrote new ones, then zeros.

    Most of their rows are those of the file's own sections; patchelf moves only a few.
    """
    whole_rows = len(table) // SECTION.size
    rows = SECTION.iter_unpack(table[: whole_rows * SECTION.size])
    old = [(kind, flags, offset, size) for _, kind, flags, _, offset, size, *_ in rows]
    used = -(-len(table.rstrip(b"\0")) // SECTION.size)
    own = {(section.sh_type, section.sh_flags, section.sh_offset, section.sh_size) for section in sections}
    same = sum(row in own for row in old[:used])
    begins = bool(old) and not any(old[0])
    return begins and used <= min(whole_rows, len(sections) + 1) and 2 * same > used
