"""Zips by their SHA-256, and what is in them, unpacked once however many functions share it."""

import hashlib
import os
import shutil
import stat
import tempfile
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deployer.errors import PackageError
from deployer.models.dates import seconds_of


@dataclass(frozen=True)
class Stored:
    """A zip in the store."""

    sha256: str
    """Hex."""
    size: int
    unzipped: int


class CodeStore:
    """Zips and unpacked trees below one folder.

    Args:
        folder: its own; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._zips, self._trees = folder / "zips", folder / "trees"
        self._lock = threading.Lock()
        for path in (self._zips, self._trees):
            path.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> Stored:
        """Keep a zip.

        Raises:
            PackageError: it is no zip, or holds nothing.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self.zip_path(digest)
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=self._zips, delete=False) as part:
                part.write(data)
            Path(part.name).rename(path)
        return Stored(digest, len(data), unzipped_size(path))

    def zip_path(self, sha256: str) -> Path:
        """Return where a zip is, or would be."""
        return self._zips / f"{sha256}.zip"

    def tree(self, sha256: str) -> Path:
        """Return a zip unpacked; names that lead out of its root make it fail.

        Raises:
            PackageError: an entry would land outside, or is broken.
        """
        target = self._trees / sha256
        with self._lock:
            if not target.exists():
                part = Path(tempfile.mkdtemp(dir=self._trees))
                unpack(self.zip_path(sha256), part)
                part.chmod(0o755)
                part.rename(target)
        return target

    def merged(self, layers: tuple[str, ...]) -> Path:
        """Return several layers as one tree: later ones replace files of earlier ones."""
        if len(layers) == 1:
            return self.tree(layers[0])
        trees = [self.tree(layer) for layer in layers]
        target = self._trees / hashlib.sha256("+".join(layers).encode()).hexdigest()
        with self._lock:
            if not target.exists():
                part = Path(tempfile.mkdtemp(dir=self._trees))
                for tree in trees:
                    overlay(tree, part)
                part.chmod(0o755)
                part.rename(target)
        return target


def unzipped_size(path: Path) -> int:
    """Return the bytes of all entries together.

    Raises:
        PackageError: it is no zip, or holds nothing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise PackageError("This is not a zip.") from error
    if not entries:
        raise PackageError("The zip is empty.")
    return sum(entry.file_size for entry in entries)


def unpack(path: Path, root: Path) -> None:
    """Unpack a zip, files first and symlinks last, so that nothing is written through a symlink of the zip.

    Raises:
        PackageError: an entry would land outside, or is broken.
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        links = [entry for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)]
        linked = {id(entry) for entry in links}
        try:
            for entry in entries:
                if id(entry) not in linked:
                    write_entry(archive, entry, place(root, entry))
            for entry in links:
                write_link(place(root, entry), os.fsdecode(archive.read(entry)), root)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise PackageError(f"The zip cannot be unpacked: {error}.") from error


def place(root: Path, entry: zipfile.ZipInfo) -> Path:
    """Return where an entry goes.

    Raises:
        PackageError: outside the root.
    """
    pure = PurePosixPath(raw_name(entry))
    if pure.is_absolute() or ".." in pure.parts:
        raise PackageError("The zip has an entry that would land outside its root.")
    return root / pure


def raw_name(entry: zipfile.ZipInfo) -> str:
    """Return the name's own bytes, as Info-ZIP writes them to Linux: zipfile takes those without flag 11 for CP437."""
    return entry.filename if entry.flag_bits & 0x800 else os.fsdecode(entry.filename.encode("cp437"))


def write_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one file or folder, with its time; mode 0o755 where anyone may execute it, else 0o644."""
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    target.chmod(0o755 if entry.external_attr >> 16 & 0o111 else 0o644)
    year, month, day, hour, minute, second = entry.date_time
    seconds = seconds_of((year - 1980 << 9 | month << 5 | day) << 16 | hour << 11 | minute << 5 | second >> 1)
    os.utime(target, (seconds, seconds))


def write_link(target: Path, points_to: str, root: Path) -> None:
    """Write a symlink as it is in the zip, wherever it points; the link itself must be inside the root.

    Raises:
        PackageError: another symlink leads it outside.
    """
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise PackageError("The zip has an entry that would land outside its root.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.symlink_to(points_to)


def overlay(source: Path, target: Path) -> None:
    """Put a tree over another by hard links."""
    for folder, folders, files in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir(exist_ok=True)
        for name in [*files, *(name for name in folders if Path(folder, name).is_symlink())]:
            (here / name).unlink(missing_ok=True)
            os.link(Path(folder, name), here / name, follow_symlinks=False)
