#!/usr/bin/env python3
"""Whether trimmed libraries load and do what they did: the distributions of ``tests/libraries.toml``, one JSON object.

    scripts/bench libraries [NAME...]

Each group is installed from the package index, pinned. Every ELF file of it is loaded in a process of its own
(``dlopen`` with RTLD_NOW) as it is and trimmed as ``shrink`` trims; then the group's program runs with both. ``broken``
are libraries that loaded and no longer do; ``same`` says whether the program's answer is the same, and ``found`` how
many plugins, drivers or codecs it found. Ends with 1 where anything is broken.
"""

import json
import sys
import tempfile
from collections import Counter
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.kept import KEPT
from tests.libraries import Group, copy_trimmed, groups, libraries, load_each, use

MB = 1_000_000


def main() -> int:
    """Print one row for each group as it is done to standard error, and all of them at the end."""
    wanted = set(sys.argv[1:])
    rows: dict[str, dict[str, Any]] = {}
    for group in groups():
        if not wanted or group.name in wanted:
            rows[group.name] = row(group)
            print(json.dumps({group.name: rows[group.name]}), file=sys.stderr, flush=True)
    sums = {key: sum(each[key] for each in rows.values()) for key in ("libraries", "loaded", "size_mb", "saved_mb")}
    owners = sorted({name for each in rows.values() for name in each.pop("distributions")})
    broken = [name for each in rows.values() for name in each["broken"]]
    different = [name for name, each in rows.items() if not each["same"]]
    total = {**{key: round(value, 1) for key, value in sums.items()}, "distributions": len(owners)}
    print(json.dumps({"groups": rows, "total": {**total, "broken": broken, "different": different}}, indent=2))
    return 1 if broken or different else 0


def row(group: Group) -> dict[str, Any]:
    """Return what became of one group."""
    root = group.folder()
    with tempfile.TemporaryDirectory(dir=KEPT) as place:
        copy = Path(place) / "copy"
        reasons = copy_trimmed(root, copy)
        before, after = load_each(root), load_each(copy)
        answer, trimmed_answer = use(group, root), use(group, copy)
        size, left = size_of(root), size_of(copy)
    loaded = [name for name, told in before.items() if told == "loaded"]
    found = answer.get("found", ())
    return {
        "libraries": len(reasons),
        "distributions": owners(root, set(reasons)),
        "loaded": len(loaded),
        "broken": [name for name in loaded if after[name] != "loaded"],
        "same": answer == trimmed_answer,
        "found": len(found) if isinstance(found, dict | list) else found,
        "size_mb": round(size / MB, 1),
        "saved_mb": round((size - left) / MB, 1),
        "left_alone": dict(Counter(reason for reason in reasons.values() if reason).most_common()),
    }


def size_of(root: Path) -> int:
    """Return the bytes of all libraries."""
    return sum(path.stat().st_size for path in libraries(root))


def owners(root: Path, names: set[str]) -> list[str]:
    """Return the distributions that have one of the libraries."""
    known = distributions(path=[str(root)])
    return sorted(each.name for each in known if any(str(file) in names for file in each.files or ()))


if __name__ == "__main__":
    sys.exit(main())
