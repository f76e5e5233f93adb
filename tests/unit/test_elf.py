"""Trimming of files made here, of this interpreter's extension modules, and of both with broken headers."""

import importlib.machinery
import io
import struct
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.models.package import Entry, Kind
from deployer.slim.buffers import hold
from deployer.slim.transforms import elf
from deployer.slim.transforms.base import File, Recipe
from deployer.slim.transforms.elf import TrimLibraries, trim
from deployer.slim.transforms.elf_format import UnusualError

LOAD, DYNAMIC, NOTE, STACK = 1, 2, 4, 0x6474E551
PROGBITS, SYMTAB, STRTAB, NOBITS = 1, 2, 3, 8
ALLOC, EXECUTE = 2, 4
PHDR = struct.Struct("<IIQQQQQQ")
SHDR = struct.Struct("<IIQQQQIIQQ")
TEXT, DEBUG, DATA = b"text" * 1000, b"debug" * 5000, b"data" * 500


class Load(NamedTuple):
    """What the loader makes of one PT_LOAD, whatever its place in the file."""

    address: int
    memory: int
    flags: int
    align: int
    data: bytes


def make(
    *,
    text: bytes = TEXT,
    debug: tuple[bytes, int, int] = (b".debug_info", PROGBITS, 0),
    align: int = 0x1000,
    machine: int = 62,
    kind: int = 3,
    note: int = 0x200,
    empty_at: int = 0,
    tail: bytes = b"",
) -> bytes:
    """A library: text, then a section that is not loaded, then data in a page of its own, then names."""
    text_end = 64 + 56 * 5 + len(text)
    data_at = -(-(text_end + len(DEBUG)) // align) * align + 0x10
    empty_at = data_at + (empty_at or len(DATA))
    segments = [
        (LOAD, 5, 0, 0, 0, text_end, text_end, align),
        (LOAD, 6, data_at, data_at + align, 0, len(DATA), len(DATA) + 64, align),
        (LOAD, 6, empty_at, empty_at + 4 * align, 0, 0, 0x20, align),
        (NOTE, 4, note, note, 0, 0x20, 0x20, 4),
        (STACK, 6, 0, 0, 0, 0, 0, 16),
    ]
    names = b"\0" + debug[0] + b"\0.shstrtab\0"
    names_at = data_at + len(DATA)
    sections = [
        (0,) * 10,
        (1, debug[1], debug[2], 0, text_end, len(DEBUG), 0, 0, 1, 0),
        (len(debug[0]) + 2, STRTAB, 0, 0, names_at, len(names), 0, 0, 1, 0),
    ]
    shoff = names_at + len(names)
    ident = b"\x7fELF\2\1\1"
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, kind, machine, 1, 0, 64, shoff, 0, 64, 56, len(segments), 64, 3, 2)
    begin = header + b"".join(PHDR.pack(*segment) for segment in segments) + text + DEBUG
    return begin.ljust(data_at, b"\0") + DATA + names + b"".join(SHDR.pack(*each) for each in sections) + tail


def loaded(library: bytes) -> list[Load]:
    """What a loader makes of it, headers left out; fails where glibc or the kernel would refuse."""
    count = struct.unpack_from("<H", library, 56)[0]
    loads = []
    for kind, flags, offset, address, _, size, memory, align in PHDR.iter_unpack(library[64 : 64 + 56 * count]):
        if kind != LOAD:
            continue
        assert offset + size <= len(library)
        assert (address - offset) % align == 0
        assert size or address % 0x1000 == 0 or offset // 0x1000 * 0x1000 < len(library), "SIGBUS"
        skip = 0 if offset else 64 + 56 * count
        loads.append(Load(address, memory, flags, align, library[offset + skip : offset + size]))
    return loads


def notes(library: bytes) -> list[bytes]:
    count = struct.unpack_from("<H", library, 56)[0]
    headers = PHDR.iter_unpack(library[64 : 64 + 56 * count])
    return [library[fields[2] : fields[2] + fields[5]] for fields in headers if fields[0] == NOTE]


def own_libraries() -> Sequence[bytes]:
    folder = Path(sysconfig.get_config_var("DESTSHARED") or "")
    files = sorted(folder.glob("*" + importlib.machinery.EXTENSION_SUFFIXES[0]))
    return [path.read_bytes() for path in files if path.stat().st_size < 100_000][:8]


def test_what_is_loaded_stays_and_the_rest_goes() -> None:
    library = make()
    trimmed = trim(library)
    assert trimmed.reason == ""
    assert loaded(trimmed.data) == loaded(library)
    assert DEBUG not in trimmed.data
    assert trimmed.saved == len(library) - len(trimmed.data) > len(DEBUG) - 0x1000


@pytest.mark.parametrize("align", [0x1000, 0x10000, 0x200000])
@pytest.mark.parametrize("machine", [62, 183])
def test_each_alignment_and_machine_loads_as_before(align: int, machine: int) -> None:
    library = make(align=align, machine=machine)
    assert trim(library).saved
    assert loaded(trim(library).data) == loaded(library)


@pytest.mark.parametrize(("wanted", "align", "longest"), [(16, 0x1000, 0x9000), (0x4000, 0x200000, 0x300000)])
def test_a_gap_for_huge_pages_is_closed_where_no_section_is_aligned_to_them(
    wanted: int, align: int, longest: int
) -> None:
    library = bytearray(make(align=0x200000))
    shoff = struct.unpack_from("<Q", library, 40)[0]
    struct.pack_into("<Q", library, shoff + 8, ALLOC)
    struct.pack_into("<Q", library, shoff + 48, wanted)
    trimmed = trim(bytes(library)).data
    assert longest // 2 < len(trimmed) + 0x4000 < longest
    assert loaded(trimmed) == [load._replace(align=align) for load in loaded(bytes(library))]


def test_section_headers_that_patchelf_left_behind_are_no_payload() -> None:
    library = bytearray(make())
    shoff, count = struct.unpack_from("<Q", library, 40)[0], struct.unpack_from("<H", library, 60)[0]
    table = library[shoff : shoff + 64 * count]
    text_end = 64 + 56 * 5 + len(TEXT) + len(DEBUG)
    place = text_end + -text_end % 8
    library[place : place + len(table)] = table
    assert trim(bytes(library)).reason == ""
    assert loaded(trim(bytes(library)).data) == loaded(bytes(library))
    library[place + 64 : place + 64 + 2 * 64] = b"payload!" * 16
    assert trim(bytes(library)).reason == "bytes that no known section or loaded segment accounts for"


def test_an_arm64_library_stays_loadable_by_a_kernel_with_pages_of_64_kb() -> None:
    before, after = make(machine=183), trim(make(machine=183)).data
    moved = PHDR.unpack_from(before, 64 + 56)[2] - PHDR.unpack_from(after, 64 + 56)[2]
    assert moved % 0x10000 == 0


def test_segments_within_loaded_ones_move_with_them() -> None:
    data_at = PHDR.unpack_from(make(), 64 + 56)[2]
    library = bytearray(make())
    struct.pack_into("<QQ", library, 64 + 3 * 56 + 8, data_at + 8, data_at + 8 + 0x1000)
    assert trim(bytes(library)).saved
    assert notes(trim(bytes(library)).data) == [DATA[8:40]]


@pytest.mark.parametrize("where", [16, 24, 64 + 4, 64 + 56 + 16, 64 + 56 + 40, 1000, -1])
def test_the_proof_refuses_a_file_that_differs_in_one_byte(where: int) -> None:
    library = make()
    wrong = bytearray(trim(library).data)
    elf._prove(memoryview(library), memoryview(wrong))
    wrong[where] ^= 1
    with pytest.raises(UnusualError):
        elf._prove(memoryview(library), memoryview(wrong))


def test_a_segment_without_bytes_still_begins_in_a_page_of_the_file() -> None:
    library = make(empty_at=0x2340, tail=bytes(0x4000))
    assert trim(library).saved
    assert loaded(trim(library).data) == loaded(library)


def test_trimming_again_changes_nothing() -> None:
    once = trim(make()).data
    assert trim(once).data == once
    assert trim(once).reason == "nothing to drop"


def test_views_and_files_are_trimmed_like_bytes(tmp_path: Path) -> None:
    long = make(text=TEXT * 500)
    for library in (make(), long):
        file = hold([library], 10**9, tmp_path)
        assert trim(memoryview(library)).data == trim(file).data == trim(library).data
        assert trim(file).saved


def test_zeros_at_the_end_are_no_payload() -> None:
    assert trim(make(tail=bytes(5000))).data == trim(make()).data


def zip_payload() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("__main__.py", "print()")
    return buffer.getvalue()


def patched(offset: int, layout: str, *values: int) -> bytes:
    library = bytearray(make())
    struct.pack_into(layout, library, offset, *values)
    return bytes(library)


ACCOUNTS = "bytes that no known section or loaded segment accounts for"
UNUSUAL = {
    "text": (b"import this\n", "not an ELF file"),
    "empty": (b"", "not an ELF file"),
    "archive": (b"!<arch>\n" + make(), "not an ELF file"),
    "magic alone": (b"\x7fELF\2\1\1", "cut off in its header"),
    "32-bit": (patched(4, "B", 1), "not 64-bit and little-endian"),
    "big-endian": (patched(5, "B", 2), "not 64-bit and little-endian"),
    "object or kernel module": (make(kind=1), "neither a shared library nor an executable"),
    "core dump": (make(kind=4), "neither a shared library nor an executable"),
    "zip appended": (make(tail=zip_payload()), ACCOUNTS),
    "trailer appended": (make(tail=b"\0" * 100 + b"\1"), ACCOUNTS),
    "section of its own": (make(debug=(b"pydata", PROGBITS, 0)), ACCOUNTS),
    "loaded section outside the segments": (make(debug=(b".data.x", PROGBITS, ALLOC)), ACCOUNTS),
    "no section headers": (patched(40, "<Q", 0), ACCOUNTS),
    "debug file": (make(debug=(b".text", NOBITS, ALLOC | EXECUTE)), "a separate file of debug information"),
    "truncated": (make()[:-200], "cut off in its section headers"),
    "truncated further": (make()[:8000], "cut off in its section headers"),
    "truncated in the program headers": (make()[:100], "cut off in its program headers"),
    "odd section headers": (patched(58, "<H", 40), "its section headers are of an odd kind"),
    "program headers elsewhere": (
        patched(32, "<Q", 0x2000),
        "its program headers are not right behind the ELF header",
    ),
    "not loaded at 0": (patched(64 + 8, "<Q", 0x1000), "no loaded segment begins at offset 0"),
    "none loaded": (patched(56, "<H", 0), "no loaded segment begins at offset 0"),
    "headers not loaded": (
        patched(64 + 32, "<Q", 100),
        "its program headers are not in the first loaded segment",
    ),
    "beyond the end": (
        patched(64 + 56 + 32, "<QQ", 1 << 40, 1 << 40),
        "a loaded segment ends behind the end of the file",
    ),
    "odd alignment": (patched(64 + 48, "<Q", 0x1800), "a loaded segment is of an odd size or alignment"),
    "not congruent": (patched(64 + 56 + 16, "<Q", 0x9999), "a loaded segment is of an odd size or alignment"),
    "less memory than bytes": (
        patched(64 + 56 + 40, "<Q", 1),
        "a loaded segment is of an odd size or alignment",
    ),
    "overlapping": (patched(64 + 40, "<Q", 1 << 30), "loaded segments overlap or are out of order"),
    "note outside": (make(note=len(TEXT) + 0x1000), "a segment of kind 0x4 is not within a loaded one"),
}


def beyond_the_end() -> bytes:
    library = make()
    table = struct.unpack_from("<Q", library, 40)[0]
    return library[: table + 64 + 32] + struct.pack("<Q", 1 << 40) + library[table + 64 + 40 :]


LOOKED_FOR = "a section that programs may look for in the file: "
NOTES = 7
UNUSUAL |= {
    name: (make(debug=(name.encode(), kind, flags)), LOOKED_FOR + name)
    for name, kind, flags in (
        (".qtmetadata", PROGBITS, ALLOC),
        (".note.qt.metadata", NOTES, ALLOC),
        (".gresource.app", PROGBITS, ALLOC),
        (".ndata", PROGBITS, ALLOC),
        (".data-of-mine", PROGBITS, ALLOC),
        (".note.mine", NOTES, 0),
    )
}
UNUSUAL["section beyond the end"] = (beyond_the_end(), "a section ends behind the end of the file")


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_left_alone_with_its_reason(name: str) -> None:
    library, reason = UNUSUAL[name]
    trimmed = trim(library)
    assert (trimmed.reason, trimmed.saved) == (reason, 0)
    assert trimmed.data == library


@pytest.mark.parametrize(
    ("name", "kind"),
    [(".debug_x", PROGBITS), (".gnu.build.attributes", NOTES), (".note.stapsdt", NOTES), (".annobin.notes", STRTAB),
     (".note.gnu.gold-version", NOTES), (".strtab", STRTAB)],
)  # fmt: skip
def test_what_toolchains_write_for_each_other_goes(name: str, kind: int) -> None:
    assert DEBUG not in trim(make(debug=(name.encode(), kind, 0))).data


@pytest.mark.parametrize(
    "name",
    [".data.rel.ro", ".rodata.cst16", ".text.unlikely", ".gnu.version_r", ".init_array", ".note.gnu.build-id", ".lbss",
     ".eh_frame_hdr", ".relr.dyn", ".relro_padding", ".go.buildinfo", "protodesc_cold", "linkarr_upb_AllExts",
     "__libc_freeres_fn"],
)  # fmt: skip
def test_loaded_sections_that_code_reaches_by_address_are_no_reason(name: str) -> None:
    assert not trim(make(debug=(name.encode(), PROGBITS, ALLOC))).reason.startswith(LOOKED_FOR)


@pytest.mark.parametrize("beside", [".libx.so.1.hmac", "libx.chk", "libx.so.1.sig"])
def test_a_library_with_its_sum_beside_it_is_left_alone(beside: str) -> None:
    made = Recipe(tuple(Entry(path, Kind.FILE, 9, 9, 0, 0o644, 0, 0) for path in (f"lib/{beside}", "lib/libx.so.1")))
    change = TrimLibraries(("lib/libx.so.1",)).change
    assert change(File("lib/libx.so.1", make(), made)).reason.endswith(f"in a file beside it: {beside}")
    assert change(File("lib/libx.so.1", make(), Recipe(()))).reason == ""


def test_an_openssl_provider_is_left_alone() -> None:
    library = make(debug=(b".dynstr", STRTAB, ALLOC))
    library = library.replace(DEBUG, b"\0OSSL_provider_init\0".ljust(len(DEBUG), b"\0"))
    assert trim(library).reason == "an OpenSSL provider, which may check the sum of its own file"


def test_this_interpreters_own_libraries_load_as_before() -> None:
    libraries = own_libraries()
    if not libraries:
        pytest.skip("this interpreter has its extension modules built in")
    for library in libraries:
        assert loaded(trim(library).data) == loaded(library)
    assert any(trim(library).saved for library in libraries)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A library with a few fields of its headers changed, or cut off."""
    library = bytearray(draw(st.sampled_from([make(), make(align=0x10000, machine=183), *own_libraries()[:3]])))
    table = struct.unpack_from("<Q", library, 40)[0]
    value = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 0x8000), st.integers(0, len(library)))
    for _ in range(draw(st.integers(1, 4))):
        where = draw(st.one_of(st.integers(0, 64 + 56 * 9), st.integers(table, len(library) - 8)))
        size = draw(st.sampled_from([1, 2, 4, 8]))
        library[where : where + size] = (draw(value) % 256**size).to_bytes(size, "little")
    return bytes(library[: draw(st.sampled_from([len(library), draw(st.integers(0, len(library)))]))])


@settings(max_examples=3 * settings().max_examples)
@given(broken())
def test_whatever_the_headers_say_the_result_loads_as_before_or_is_left_alone(library: bytes) -> None:
    trimmed = trim(library)
    if trimmed.reason:
        assert trimmed.data == library
    else:
        assert loaded(trimmed.data) == loaded(library)
        assert trim(trimmed.data).reason == "nothing to drop"


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x7fELF", b"\x7fELF\2\1\1"]))
def test_any_bytes_are_answered(data: bytes, magic: bytes) -> None:
    assert trim(magic + data).data == magic + data
