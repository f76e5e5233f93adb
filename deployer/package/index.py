"""A zip becomes a Package: every entry with its path, size, mode and kind, from the central directory."""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from deployer.errors import PackageError
from deployer.models.package import Entry, Kind, Package, Source
from deployer.package import links, members, zipformat

_LONGEST_PATH: Final = 4096
"""PATH_MAX, of symlinks' targets too (limits.h)."""
_LONGEST_NAME: Final = 255
"""NAME_MAX."""
_AGAIN: Final = "Build the package again, from a folder, with `zip -r --symlinks` or ldeploy."
_MODULE_SUFFIXES: Final = (".py", ".pyc")


class FileSource(AbstractContextManager["FileSource"]):
    """A file on disk as a Source. Closes its descriptor when left as a context.

    Raises:
        PackageError: the file is not there or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise PackageError(f"{path} cannot be read: {error.strerror}.", "Check the path of the package.") from error
        self._stamp = self._now()
        self.size = self._stamp[0]

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``offset``.

        Raises:
            PackageError: the file ends before that, or was changed since it was opened.
        """
        parts: list[bytes] = []
        while length > 0 and (part := os.pread(self._descriptor, length, offset)):
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        if length > 0 or self._now() != self._stamp:
            raise PackageError(f"{self._path} was changed or cut off while it was read.", "Run the command again.")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns


def open_file(path: Path) -> FileSource:
    """Open a zip on disk, for use in a ``with`` statement.

    Raises:
        PackageError: the file is not there or cannot be read.
    """
    return FileSource(path)


def index(source: Source) -> Package:
    """Return every entry of a zip, from its central directory; of the data, read only the targets of symlinks.

    Directories that only paths of files mention are entries too, so it makes no difference how the zip was made.
    Symlinks to absolute paths (a layer, /tmp) are kept as they are.

    Raises:
        PackageError: not a zip, a damaged or encrypted one, or an entry that could not be unpacked in Lambda: a
            path outside the package or twice there, a device, a symlink that climbs out.
    """
    directory = zipformat.read_directory(source)
    _refuse_overlaps(directory)
    entries: dict[str, Entry] = {}
    for record in directory.records:
        entry = _entry(record)
        if entry.path in entries and not entry.kind is entries[entry.path].kind is Kind.DIRECTORY:
            raise PackageError(f"The package holds {entry.path!r} twice.", _AGAIN)
        if entry.path:
            entries[entry.path] = entry
    if not any(entry.kind is not Kind.DIRECTORY for entry in entries.values()):
        raise PackageError("The package holds no files.", "Check that the build wrote its files to this place.")
    _add_directories(entries)
    _read_targets(source, entries)
    ordered = {path: entries[path] for path in sorted(entries, key=zipformat.name_of)}
    return Package(ordered, source.size, _identity(ordered.values()))


def heaviest(package: Package, count: int) -> tuple[tuple[str, int], ...]:
    """Return the top-level files and folders with the most bytes unpacked, heaviest first."""
    weights: Counter[str] = Counter()
    for path, entry in package.entries.items():
        weights[path.partition("/")[0]] += entry.size
    return tuple(sorted(weights.items(), key=lambda part: (-part[1], part[0]))[:count])


def handler_path(package: Package, handler: str, below: str = "") -> str | None:
    """Return the path of the entry that holds a handler such as ``app.handler`` or ``pkg/sub.app.handler``; None where
    none does.

    Looked up as awslambdaric does it: what stands before the last dot is imported, with ``/`` for ``.``
    (https://github.com/aws/aws-lambda-python-runtime-interface-client, bootstrap.py). A regular package is
    found before an extension module, and that before a source file.

    Args:
        package: the function's, or a layer.
        handler: as Lambda's configuration has it.
        below: the folder to look in, with its slash: a layer's ``python/``.
    """
    module = handler.rpartition(".")[0].replace(".", "/").strip("/")
    if not module:
        return None
    for prefix in (f"{below}{module}/__init__", f"{below}{module}"):
        for path in (*_extensions(package, prefix), *(prefix + suffix for suffix in _MODULE_SUFFIXES)):
            way = links.follow(package.entries, path)
            if way.end is not None and package.entries[way.end].kind is Kind.FILE:
                return path
    return None


def script_path(package: Package, handler: str) -> str | None:
    """Return the file of the handler's own name, ``run.sh``: a wrapper of the function may start it (a web adapter)."""
    path = links.follow(package.entries, handler.strip("/")).end if handler else None
    return path if path is not None and package.entries[path].kind is Kind.FILE else None


def _extensions(package: Package, prefix: str) -> list[str]:
    """Yield the extension modules of a name, such as ``pkg/mod.cpython-311-x86_64-linux-gnu.so``."""
    return [path for path in package.entries if path.startswith(prefix + ".") and path.endswith(".so")]


def _entry(record: zipformat.Record) -> Entry:
    path = _path(record)
    if record.flags & zipformat.ENCRYPTED:
        raise PackageError(f"The package's entry {path!r} is encrypted.", "Build the package without a password.")
    if record.method not in (zipformat.STORED, zipformat.DEFLATED):
        raise PackageError(
            f"The package's entry {path!r} is packed by method {record.method}, which Lambda cannot unpack.",
            "Build the package with deflate, the usual method.",
        )
    kind = _kind(record, path)
    if kind is Kind.DIRECTORY:
        return directory_entry(path)
    if record.method == zipformat.STORED and record.size != record.packed:
        raise members.damaged(path, "it is stored as it is, in another size")
    if kind is Kind.SYMLINK and not 0 < record.size <= _LONGEST_PATH:
        raise members.damaged(path, f"a symlink's target cannot be {record.size} bytes long")
    executable = kind is Kind.SYMLINK or record.attributes >> 16 & 0o111
    mode = 0o755 if executable else 0o644
    place = record.method, record.offset
    return Entry(path, kind, record.size, record.packed, record.crc32, mode, *place, date=record.date, utc=record.utc)


def directory_entry(path: str) -> Entry:
    """Return the entry of a directory; nothing of how a zip describes it is kept."""
    return Entry(path, Kind.DIRECTORY, 0, 0, 0, 0o755, zipformat.STORED, 0)


def _path(record: zipformat.Record) -> str:
    name = record.name.decode("utf-8", "surrogateescape")
    if not name or "\0" in name:
        raise PackageError(f"The package has an entry that is called {name!r}, which is not a file name.", _AGAIN)
    if name.startswith("/") or ".." in name.split("/"):
        raise PackageError(f"The package's entry {name!r} would be unpacked outside the package.", _AGAIN)
    if "\\" in name and record.host != zipformat.UNIX:
        raise PackageError(
            f"The package's entry {name!r} has backslashes where Lambda expects slashes.",
            "Build the package with a tool that writes forward slashes, or give the folder itself.",
        )
    if len(record.name) > _LONGEST_PATH or any(len(part) > _LONGEST_NAME for part in record.name.split(b"/")):
        raise PackageError(f"The package has an entry whose name is too long for a file: {name[:80]!r}…", _AGAIN)
    return zipformat.path_of(record.name)


def _kind(record: zipformat.Record, path: str) -> Kind:
    """Return the kind of a record: a name that ends in a slash is a directory, as for Info-ZIP; only Unix hosts make
    symlinks.
    """
    form = stat.S_IFMT(record.attributes >> 16) if record.host == zipformat.UNIX else 0
    if record.name.endswith(b"/") or not path or (form == stat.S_IFDIR and not record.size):
        if record.size:
            raise members.damaged(path, "it is a directory, and holds data")
        return Kind.DIRECTORY
    if form == stat.S_IFLNK:
        return Kind.SYMLINK
    if form not in (0, stat.S_IFREG):
        raise PackageError(f"The package's entry {path!r} is neither file, folder nor symlink.", _AGAIN)
    return Kind.FILE


def _refuse_overlaps(directory: zipformat.Directory) -> None:
    """Refuse entries that share data: a zip bomb (https://www.bamsoftware.com/hacks/zipbomb/)."""
    end = 0
    for record in sorted(directory.records, key=lambda record: record.offset):
        if record.offset < end:
            raise members.damaged(zipformat.path_of(record.name), "its data overlaps another entry's")
        end = record.offset + zipformat.LOCAL_SIZE + record.packed
        if end > directory.start:
            raise members.damaged(zipformat.path_of(record.name), "its data would lie outside the file")


def _add_directories(entries: dict[str, Entry]) -> None:
    for path in list(entries):
        parent = path.rpartition("/")[0]
        while parent and parent not in entries:
            entries[parent] = directory_entry(parent)
            parent = parent.rpartition("/")[0]
        if parent and entries[parent].kind is not Kind.DIRECTORY:
            raise PackageError(f"The package holds {parent!r} as a file, and {path!r} below it.", _AGAIN)


def _read_targets(source: Source, entries: dict[str, Entry]) -> None:
    symlinks = [entry for entry in entries.values() if entry.kind is Kind.SYMLINK]
    for entry, target in members.unpacked(source, symlinks):
        if b"\0" in target:
            raise members.damaged(entry.path, "a symlink's target cannot hold a null byte")
        entries[entry.path] = replace(entry, target=target.decode("utf-8", "surrogateescape"))
    for entry in symlinks:
        if links.follow(entries, entry.path).escapes:
            raise PackageError(
                f"The package's symlink {entry.path!r} leads out of the package.",
                "Put the file itself there, or point it to an absolute path that Lambda has.",
            )


def _identity(entries: Iterable[Entry]) -> str:
    """Return the SHA-256 over ``path NUL kind NUL size NUL crc32 NUL mode LF`` of each entry, numbers in decimal."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(zipformat.name_of(entry.path))
        digest.update(f"\0{entry.kind}\0{entry.size}\0{entry.crc32}\0{entry.mode}\n".encode())
    return digest.hexdigest()
