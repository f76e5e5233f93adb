"""A project's settings: ``ldeploy.toml``, or ``[tool.ldeploy]`` in ``pyproject.toml``.

They are defaults for the options of the same names: the command line wins over the environment (``LDEPLOY_*``), and
that over the file. A SAM project's ``samconfig.toml`` is read too.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.commands.groups import did_you_mean
from deployer.errors import UsageError

OWN = "ldeploy.toml"
SHARED = "pyproject.toml"


@dataclass(frozen=True)
class Sam:
    """What ldeploy needs of a project's samconfig.toml; empty where it is not there."""

    stack: str = ""
    region: str = ""
    bucket: str = ""


def samconfig(folder: Path) -> Sam:
    """Return the default environment's settings for ``sam deploy``.

    Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html

    Args:
        folder: where to look for samconfig.toml.

    Raises:
        UsageError: the file is no TOML.
    """
    file = folder / "samconfig.toml"
    if not file.is_file():
        return Sam()
    default = _table(_read(file), "default")
    found = {**_table(default, "global", "parameters"), **_table(default, "deploy", "parameters")}
    return Sam(*(str(found.get(name, "")) for name in ("stack_name", "region", "s3_bucket")))


def _table(document: object, *names: str) -> dict[str, Any]:
    for name in names:
        document = document.get(name, {}) if isinstance(document, dict) else {}
    return document if isinstance(document, dict) else {}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}.", "Repair it, or move it away.") from error


def settings(folder: Path, known: Collection[str]) -> Mapping[str, Any]:
    """Return the settings of the project in a folder, by the names of options with ``_`` for ``-``; empty without a
    file.

    Args:
        folder: where to look.
        known: the names that there are.

    Raises:
        UsageError: the file is no TOML, or sets what there is not.
    """
    file = file_of(folder)
    table = _own(file) if file else {}
    if not isinstance(table, dict):
        raise UsageError(f"{file} has a [tool.ldeploy] that is not a table.", "Make it one: [tool.ldeploy].")
    found = {name.replace("-", "_"): value for name, value in table.items()}
    unknown = sorted(found.keys() - set(known))
    if unknown:
        meant = did_you_mean(unknown[0], frozenset(known))
        raise UsageError(
            f"{file} sets {', '.join(unknown)}, which ldeploy does not know.{meant}",
            "A setting is called as the option is: ldeploy COMMAND --help shows them.",
        )
    return found


def file_of(folder: Path) -> Path | None:
    """Return the file that holds the settings of the project in a folder; None where there are none.

    Raises:
        UsageError: it is no TOML.
    """
    file = next((path for path in (folder / OWN, folder / SHARED) if path.is_file()), None)
    return file if file and _own(file) != {} else None


def _own(file: Path) -> object:
    """Return ldeploy's own part of a file: all of it, or its table."""
    document = _read(file)
    tables = document if file.name == OWN else document.get("tool", {})
    return tables if file.name == OWN or not isinstance(tables, dict) else tables.get("ldeploy", {})
