"""A shared library or executable becomes the same file without what is never loaded.

The dynamic loader and the kernel read the ELF header, the program headers and what PT_LOAD segments map, and
nothing else (System V gABI, chapter 5). So these are kept, byte for byte, and the rest is removed: symbol tables
for linking and debugging, debug sections, section headers. Later segments move down by whole pages. No
virtual address changes, so no relocation does. (GNU strip moves sections about, and breaks libraries that
patchelf has rearranged: most of what wheels hold.)

What is lost: linking against the library, patchelf and auditwheel on it, function names in gdb, perf and
native stack traces (libbacktrace, Rust's), and what cling and cppyy look up in symbol tables. ``dlopen``,
``dlsym``, unwinding (.eh_frame), thread-local storage, build identifiers and notes are in the loaded part.

A file is left alone, with its reason, where a dropped byte is not accounted for: a program may carry data
behind its last segment (zip, AppImage, DuckDB's extensions) or in a section of its own (PyInstaller) and read
it back. So it is where a section has a name that no toolchain gives, as Qt reads the metadata of plugins by its
section, and where a file beside it has its sum or signature.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from deployer.slim.buffers import Contents, Joined, chunks, whole
from deployer.slim.transforms.base import Changed, File, Kept, Transform
from deployer.slim.transforms.elf_format import (
    ELFMAG,
    EM_X86_64,
    HEADER,
    SECTION,
    SEGMENT,
    Header,
    Section,
    Segment,
    UnusualError,
    is_old_table,
    read_header,
    read_sections,
    read_segments,
    require,
)
from deployer.slim.transforms.records import RECORD

_LIBRARY: Final = re.compile(r".*\.so(\.[\d.]+)?|[^.]+")
"""``x.so``, ``libx.so.1.2``, and programs, which have no suffix; the first bytes tell whether it is one."""
_SMALLEST_PAGE: Final = 0x1000
_LARGEST_PAGE: Final = {EM_X86_64: 0x1000}
"""By e_machine: x86_64 has pages of 4 KB; arm64, as its kernel was built, of 4, 16 or 64 KB."""
_ANY_PAGE: Final = 0x10000
_PROVIDER: Final = b"OSSL_provider_init\0"
"""What an OpenSSL provider exports; fips.so compares the sum of its own file at start-up (fips_module(7))."""

Placed = Sequence[tuple[Segment, int]]
"""Each loaded segment as it was, with its new offset."""


class TrimLibraries(Transform):
    """Trims shared libraries and programs."""

    name = "libraries trimmed"

    @classmethod
    def plan(cls, kept: Kept) -> Self | None:
        """Choose the files whose name may be a library's or a program's."""
        if not kept.settings.trim:
            return None
        others = (path for path in kept.files if not RECORD.fullmatch(path))  # a list of files has no suffix either
        return cls(tuple(path for path in others if may_be_library(path)))

    def wants(self, beginning: bytes) -> bool:
        """Check whether it is an ELF file."""
        return beginning.startswith(ELFMAG)

    def change(self, file: File) -> Changed:
        """Return the trimmed file, or the reason why it stays as it is."""
        if found := sum_beside(file.path, file.recipe.paths):
            return Changed(reason=f"its sum or signature is in a file beside it: {found}")
        trimmed = trim(file.contents)
        return Changed(trimmed.file if trimmed.saved else None, trimmed.reason)


def may_be_library(path: str) -> bool:
    """Check by its name whether a file may be a library or a program."""
    return _LIBRARY.fullmatch(posixpath.basename(path)) is not None


def sum_beside(path: str, paths: Collection[str]) -> str:
    """Return the name of the file beside a library that has its sum or signature; empty where there is none."""
    folder, name = posixpath.split(path)
    return next((each for each in _sums(name) if posixpath.join(folder, each) in paths), "")


def _sums(name: str) -> Iterator[str]:
    """Yield the names that the sum or signature of a library has: those of NSS, libgcrypt, GnuTLS, OpenSSL, GnuPG."""
    yield f"{name.partition('.so')[0]}.chk"
    for suffix in ("chk", "hmac", "sig", "asc", "sha1", "sha256", "sha512", "md5", "minisig"):
        yield from (f"{name}.{suffix}", f".{name}.{suffix}")


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A library after trimming.

    Attributes:
        file: the trimmed one, read from the one that was given; that one where it was left alone.
        saved: bytes by which it is shorter; 0 where it was left alone.
        reason: why it was left alone; empty where it was trimmed.
    """

    file: Contents
    saved: int
    reason: str = ""

    @property
    def data(self) -> bytes:
        """The whole of it, in memory."""
        return bytes(whole(self.file))


def trim(library: Contents) -> Trimmed:
    """The library without what is never loaded, proven to load as before; or left alone, with the reason.

    Takes any bytes and raises nothing of its own. Trimming again changes nothing more. No more than a megabyte of
    the library is held at a time.
    """
    try:
        trimmed = _trim(library)
    except UnusualError as unusual:
        return Trimmed(library, 0, str(unusual))
    return Trimmed(trimmed, len(library) - len(trimmed))


def _trim(library: Contents) -> Joined:
    header = read_header(library)
    segments = read_segments(library, header)
    sections = read_sections(library, header)
    _check_segments(library, header, segments)
    _check_sections(library, sections)
    _check_dropped(library, header, segments, sections)
    page = _LARGEST_PAGE.get(header.e_machine, _ANY_PAGE)
    ways = [_write(library, header, each, _close_gaps(each, page)) for each in _alignments(segments, sections, page)]
    trimmed = min(ways, key=len)
    _prove(library, trimmed)
    require(len(trimmed) < len(library), "nothing to drop")
    return trimmed


def _loads(segments: Sequence[Segment]) -> list[Segment]:
    return [segment for segment in segments if segment.loaded]


def _headers(header: Header) -> int:
    return HEADER.size + header.e_phnum * SEGMENT.size


def _check_segments(library: Contents, header: Header, segments: Sequence[Segment]) -> None:
    loads = _loads(segments)
    require(bool(loads) and loads[0].p_offset == 0, "no loaded segment begins at offset 0")
    require(_headers(header) <= loads[0].p_filesz, "its program headers are not in the first loaded segment")
    for load in loads:
        require(load.end <= len(library), "a loaded segment ends behind the end of the file")
        aligned = load.p_align >= _SMALLEST_PAGE and load.p_align.bit_count() == 1
        congruent = aligned and (load.p_vaddr - load.p_offset) % load.p_align == 0
        require(congruent and load.p_filesz <= load.p_memsz, "a loaded segment is of an odd size or alignment")
    for before, after in pairwise(loads):
        ascending = before.end <= after.p_offset and before.p_vaddr + before.p_memsz <= after.p_vaddr
        require(ascending, "loaded segments overlap or are out of order")
    for segment in segments:
        held = segment.p_filesz == 0 or any(load.holds(segment) for load in loads)
        require(held, f"a segment of kind {segment.p_type:#x} is not within a loaded one")


def _check_sections(library: Contents, sections: Sequence[Section]) -> None:
    for section in sections:
        require(section.end <= len(library), "a section ends behind the end of the file")
        require(not section.missing_instructions, "a separate file of debug information")
        require(not section.read_by_name, f"a section that programs may look for in the file: {section.name}")
        provider = section.loaded_strings and _contains(library, section.sh_offset, section.end, _PROVIDER)
        require(not provider, "an OpenSSL provider, which may check the sum of its own file")


def _check_dropped(library: Contents, header: Header, segments: Sequence[Segment], sections: Sequence[Section]) -> None:
    """Outside the loaded segments each byte is zero, or of a section or table that only linkers and debuggers read."""
    loaded = [(load.p_offset, load.end) for load in _loads(segments)]
    dropped = [(section.sh_offset, section.end) for section in sections if section.for_tools_only]
    table = (header.e_shoff, header.e_shoff + len(sections) * SECTION.size)
    at = 0
    for begin, end in [*sorted([*loaded, *dropped, table]), (len(library), len(library))]:
        known = _is_zero(library, at, begin) or _is_old_table(library, at + -at % 8, begin, sections)
        require(known, "bytes that no known section or loaded segment accounts for")
        at = max(at, end)


def _alignments(segments: Sequence[Segment], sections: Sequence[Section], page: int) -> Iterator[Sequence[Segment]]:
    """The segments as they are, and aligned to no more than a page where no section wants more.

    An alignment of 2 MB is for huge pages alone, and can leave a gap of as much between two segments; glibc before
    2.35 loads them at any page all the same (Lambda has 2.26 and 2.34).
    """
    yield segments
    wanted = max((section.sh_addralign for section in sections if section.loaded), default=_ANY_PAGE + 1)
    if wanted <= page < max(load.p_align for load in _loads(segments)):
        yield [s._replace(p_align=min(s.p_align, page)) if s.loaded else s for s in segments]


def _close_gaps(segments: Sequence[Segment], page: int) -> Placed:
    """Each loaded segment with the offset that it moves down to.

    It moves by whole pages and by multiples of its p_align: glibc wants p_offset and p_vaddr to be congruent
    modulo p_align (elf/dl-load.c), the kernel modulo the page that it was built for.
    """
    placed = []
    end = 0
    for load in _loads(segments):
        step = max(load.p_align, page)
        offset = load.p_offset - (load.p_offset - end) // step * step
        placed.append((load, offset))
        end = offset + load.p_filesz
    return placed


def _moved(segment: Segment, placed: Placed) -> Segment:
    """The segment at its new offset; an empty one (GNU_STACK, a .tbss) moves with what lies before it."""
    before = [(load, offset) for load, offset in placed if load.p_offset <= segment.p_offset]
    load, offset = next((pair for pair in before if pair[0].holds(segment)), before[-1])
    return segment._replace(p_offset=segment.p_offset - load.p_offset + offset)


def _write(library: Contents, header: Header, segments: Sequence[Segment], placed: Placed) -> Joined:
    """The headers with the new offsets, then the loaded bytes where they now belong, zeros in between.

    For a segment without bytes the file still reaches up to it: glibc maps the page in which it begins.
    """
    first = placed[0][0]
    pieces: list[bytes | range] = [HEADER.pack(*header.without_sections())]
    pieces += [SEGMENT.pack(*_moved(segment, placed)) for segment in segments]
    pieces.append(range(_headers(header), first.end))
    at = first.end
    for load, offset in placed[1:]:
        pieces += [bytes(offset - at), range(load.p_offset, load.end)]
        at = offset + load.p_filesz
    return Joined(library, pieces)


def _prove(before: Contents, after: Contents) -> None:
    """Read anew, only offsets and alignments differ: header, segments, addresses and the bytes loaded are the same.

    Raises:
        UnusualError: not so.
    """
    old_header, header = read_header(before), read_header(after)
    require(header == old_header.without_sections(), "the trimmed file's header is not as before")
    segments = read_segments(after, header)
    _check_segments(after, header, segments)
    for was, now in zip(read_segments(before, header), segments, strict=True):
        moved = was._replace(p_offset=now.p_offset, p_align=now.p_align if was.loaded else was.p_align)
        require(moved == now and now.p_align <= was.p_align, "a trimmed segment is not as before")
        skip = 0 if now.p_offset else _headers(header)
        old, new = chunks(before, was.p_offset + skip, was.end), chunks(after, now.p_offset + skip, now.end)
        same = not was.loaded or all(one == other for one, other in zip(old, new, strict=True))
        require(same, "a trimmed segment's bytes are not as before")


def _is_zero(library: Contents, start: int, stop: int) -> bool:
    return all(chunk.count(0) == len(chunk) for chunk in chunks(library, start, stop))


def _is_old_table(library: Contents, start: int, stop: int, sections: Sequence[Section]) -> bool:
    table = slice(start, min(stop, start + (len(sections) + 1) * SECTION.size))
    return is_old_table(bytes(library[table]), sections) and _is_zero(library, table.stop, stop)


def _contains(library: Contents, start: int, stop: int, text: bytes) -> bool:
    before = b""
    for chunk in chunks(library, start, stop):
        if text in (seen := before + chunk):
            return True
        before = seen[-len(text) :]
    return False
