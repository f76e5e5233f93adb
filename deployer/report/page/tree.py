"""The files of a package as a tree by distribution and folder, packed so that a browser reads it in one go.

The tree is written depth first, a column for each property: that packs best, and a package of 50,000 files stays far
under a megabyte. Where it would not, small files and folders that share a fate become one row with their number.
"""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deployer.models.outcome import Fate
from deployer.report.page.models import FileRow
from deployer.words import counted

LARGEST: Final = 700_000
"""Characters that the packed tree may have: the page has a few tens of thousands beside it."""
OWN: Final = "your function"
"""Where files go that no distribution brought."""
_FATES: Final = tuple(Fate)
_FOLDER: Final = -1
_LEVEL: Final = 6
"""Of zlib: 9 takes three times as long and saves one part in a hundred."""


@dataclass
class _Folder:
    """A folder, or a distribution."""

    folders: dict[str, "_Folder"] = field(default_factory=dict)
    files: dict[str, FileRow] = field(default_factory=dict)


@dataclass
class _Columns:
    """The tree, depth first."""

    names: list[str] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    fates: list[int] = field(default_factory=list)
    """An index into ``fates``; -1 for a folder."""
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    because: list[int] = field(default_factory=list)
    files: dict[int, int] = field(default_factory=dict)
    """Row -> how many files it stands for, where it is more than one."""
    texts: dict[str, int] = field(default_factory=dict)
    """Each text once, with its place in the table."""

    def add(self, name: str, depth: int, row: FileRow | None = None, count: int = 1) -> None:
        """Add one row; without ``row`` it is a folder's."""
        if count > 1:
            self.files[len(self.names)] = count
        self.names.append(name)
        self.depths.append(depth)
        self.fates.append(_FATES.index(row.fate) if row else _FOLDER)
        self.before.append(row.before if row else 0)
        self.after.append(row.after if row else 0)
        self.reasons.append(self._text(row.reason if row else ""))
        self.because.append(self._text(row.because if row else ""))

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def document(self) -> dict[str, Any]:
        """Return what the script reads."""
        return {
            "fates": list(_FATES),
            "texts": list(self.texts),
            "names": self.names,
            "depths": self.depths,
            "fate": self.fates,
            "before": self.before,
            "after": self.after,
            "reason": self.reasons,
            "because": self.because,
            "files": self.files,
        }


def packed_tree(files: Iterable[FileRow], largest: int = LARGEST) -> str:
    """Return the tree as base64 of deflated JSON, at most ``largest`` characters where merging can reach that."""
    root = _grown(files)
    text = _packed(root, 0)
    smallest = 1024
    while len(text) > largest and smallest <= 1 << 30:
        text = _packed(root, smallest)
        smallest *= 4
    return text


def _grown(files: Iterable[FileRow]) -> _Folder:
    root = _Folder()
    for row in files:
        *folders, name = row.path.split("/")
        folder = root.folders.setdefault(row.distribution or OWN, _Folder())
        for one in folders:
            folder = folder.folders.setdefault(one, _Folder())
        folder.files[name] = row
    return root


def _packed(root: _Folder, smallest: int) -> str:
    columns = _Columns()
    _write(columns, root, 0, smallest)
    text = json.dumps(columns.document(), separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(text, _LEVEL)).decode()


def _write(columns: _Columns, folder: _Folder, depth: int, smallest: int) -> None:
    small: defaultdict[tuple[Fate, str], list[FileRow]] = defaultdict(list)
    for name, inner in sorted(folder.folders.items()):
        if smallest and depth and _weighs_less(inner, smallest):
            for row in _rows(inner):
                small[row.fate, row.reason].append(row)
        else:
            columns.add(name, depth)
            _write(columns, inner, depth + 1, smallest)
    for name, row in sorted(folder.files.items()):
        if max(row.before, row.after) < smallest:
            small[row.fate, row.reason].append(row)
        else:
            columns.add(name, depth, row)
    for name, row, count in _merged(small):
        columns.add(name, depth, row, count)


def _rows(folder: _Folder) -> Iterator[FileRow]:
    yield from folder.files.values()
    for inner in folder.folders.values():
        yield from _rows(inner)


def _weighs_less(folder: _Folder, size: int) -> bool:
    weight = 0
    for row in _rows(folder):
        weight += max(row.before, row.after)
        if weight >= size:
            return False
    return True


def _merged(small: Mapping[tuple[Fate, str], list[FileRow]]) -> Iterator[tuple[str, FileRow, int]]:
    """Yield a name, what it stands for, and how many files that is."""
    for (fate, reason), rows in small.items():
        before, after = sum(row.before for row in rows), sum(row.after for row in rows)
        name = f"{counted(len(rows), 'small file')} ({fate}, {reason})"
        yield name, FileRow("", "", before, after, fate, reason, ""), len(rows)
