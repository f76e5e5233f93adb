"""How much each witness has of what strace saw, counted over all tests of a run that have strace as their judge."""

from collections import Counter

from deployer.models.evidence import Evidence

WITNESSES = ("audit", "inotify", "shim", "maps")
COUNTED: Counter[str] = Counter()
"""The table of ``probe_layer/README.md`` is what ``tests/functional/conftest.py`` prints of it."""


def count(needed: set[str], evidence: Evidence) -> None:
    """Adds one function's files.

    Args:
        needed: what strace saw.
        evidence: what all witnesses together told.
    """
    COUNTED.update(
        functions=1, strace=len(needed), all=len(needed & evidence.paths.keys()),
        **{name: sum(path in evidence.paths and name in evidence.paths[path].witnesses for path in needed)
           for name in WITNESSES},
    )  # fmt: skip
