"""Empties files that a scan only looked at: their names are needed, their contents are not.

botocore asks for ``service-2.json.gz`` in some 400 folders, to see which services there are.
"""

import posixpath
from collections import Counter
from typing import Final, Self

from deployer.models.whitelist import Reason
from deployer.slim.transforms.base import Changed, File, Kept, Transform

_NAMED: Final = frozenset({Reason.LOOKED, Reason.BROWSED})
"""Nothing read the contents of what is kept for these reasons."""
_SCAN: Final = 100
"""So many files of one name, or in one folder, that were only looked at, are a scan and not a question about one."""


class EmptyScanned(Transform):
    """Empties what a scan looked at."""

    name = "scanned files emptied"
    reads = False

    @classmethod
    def plan(cls, kept: Kept) -> Self | None:
        """Choose the files that have contents and that only a scan asked for."""
        if not kept.settings.empty:
            return None
        looked = [path for path, entry in kept.files.items() if kept.decisions[path].reason in _NAMED and entry.size]
        places = Counter(place for path in looked for place in _scans(path))
        return cls(tuple(path for path in looked if any(places[place] >= _SCAN for place in _scans(path))))

    def change(self, file: File) -> Changed:  # noqa: ARG002
        """Return no contents at all."""
        return Changed(b"")


def _scans(path: str) -> tuple[tuple[str, str], ...]:
    """Return the two kinds of scan that a path may belong to: of one folder, and for one name below the top folder."""
    folder, name = posixpath.split(path)
    return (folder, ""), (path.partition("/")[0], name)
