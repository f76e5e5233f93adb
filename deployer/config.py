"""A project's settings: ``ldeploy.toml``, or ``[tool.ldeploy]`` in ``pyproject.toml``.

They are what the command line falls back on, under the names of its options: the command line wins over the
environment (``LDEPLOY_*``), and that over the file.
"""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from deployer.errors import UsageError

OWN = "ldeploy.toml"
SHARED = "pyproject.toml"


def settings(folder: Path, known: Collection[str]) -> Mapping[str, Any]:
    """The settings of the project in a folder, by the names of options with ``_`` for ``-``; empty without a file.

    Args:
        folder: where to look.
        known: the names that there are.

    Raises:
        UsageError: the file is no TOML, or sets what there is not.
    """
    file = next((path for path in (folder / OWN, folder / SHARED) if path.is_file()), None)
    if file is None:
        return {}
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}.", "Mend it, or move it away.") from error
    tables = document if file.name == OWN else document.get("tool", {})
    table = tables if file.name == OWN or not isinstance(tables, dict) else tables.get("ldeploy", {})
    if not isinstance(table, dict):
        raise UsageError(f"{file} has something else than a table for [tool.ldeploy].", "Mend it.")
    found = {name.replace("-", "_"): value for name, value in table.items()}
    unknown = sorted(found.keys() - set(known))
    if unknown:
        raise UsageError(
            f"{file} sets {', '.join(unknown)}, which ldeploy does not know.",
            f"It knows: {', '.join(sorted(known))}.",
        )
    return found
