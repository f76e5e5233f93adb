"""Writes a whitelist as JSON, one line a path, and as a plain list for other tools; reads the JSON again."""

import json
from dataclasses import asdict, astuple
from typing import Any, Final

from deployer.limits import is_python
from deployer.models.python import PythonOptions
from deployer.models.whitelist import Decision, Installed, Reason, Whitelist
from deployer.versioned import Form, of_type

_FORM: Final = Form("The whitelist", 1, "Run ldeploy shrink --from-logs again: it writes a new one.")


def to_json(whitelist: Whitelist) -> str:
    """Return one JSON object, one line a path, so that two of them can be compared line by line; in ASCII.

    ``decisions`` leads from each path to ``kept``, ``reason``, ``because``, ``size`` and ``crc32``; bytes of a path
    that are not UTF-8 are written as escaped surrogates (PEP 383).
    """
    decisions = {
        path: {"kept": one.kept, "reason": one.reason, "because": one.because, "size": one.size, "crc32": one.crc32}
        for path, one in whitelist.decisions.items()
    }
    installed = [dict(zip(("name", "version", "contents"), astuple(one), strict=True)) for one in whitelist.installed]
    parts = (
        f'"version": {_FORM.version}',
        f'"package": {json.dumps(whitelist.package)}',
        f'"runtime": {json.dumps(whitelist.runtime)}',
        f'"python": {json.dumps(asdict(whitelist.python))}',
        f'"warnings": {_lines("[]", [json.dumps(text) for text in whitelist.warnings])}',
        f'"installed": {_lines("[]", [json.dumps(one) for one in installed])}',
        f'"decisions": {_lines("{}", [f"{json.dumps(path)}: {json.dumps(one)}" for path, one in decisions.items()])}',
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def to_list(whitelist: Whitelist) -> str:
    """Return the kept paths, one a line, in the package's order; to be written with ``errors="surrogateescape"``."""
    return "".join(f"{path}\n" for path in whitelist.kept())


def from_json(text: str) -> Whitelist:
    """Return what ``to_json`` wrote.

    Raises:
        WorkspaceError: the text is broken, or of a version that is not known here.
    """
    return _FORM.read(text, _whitelist)


def _lines(brackets: str, items: list[str]) -> str:
    return brackets[0] + ",".join(f"\n{item}" for item in items) + brackets[1]


def _whitelist(fields: dict[str, Any]) -> Whitelist:
    return Whitelist(
        package=of_type(str, fields["package"]),
        decisions={path: _decision(path, one) for path, one in fields["decisions"].items()},
        warnings=tuple(of_type(str, text) for text in fields["warnings"]),
        installed=tuple(
            Installed(of_type(str, one["name"]), of_type(str, one["version"]), of_type(str, one["contents"]))
            for one in fields["installed"]
        ),
        runtime=read_runtime(fields.get("runtime", "")),  # added later: older files of this version have none
        python=read_python(fields.get("python", {})),  # likewise
    )


def read_python(options: dict[str, Any]) -> PythonOptions:
    """Return the options of a function's Python as they were written."""
    return PythonOptions(of_type(int, options.get("optimize", 0)), of_type(str, options.get("cache_prefix", "")))


def read_runtime(name: object) -> str:
    """Return the name of a runtime, or an empty one.

    Raises:
        ValueError: it is neither.
    """
    runtime: str = of_type(str, name)
    if runtime and not is_python(runtime):
        raise ValueError(f"{runtime!r} is not a Python runtime")
    return runtime


def _decision(path: str, fields: dict[str, Any]) -> Decision:
    return Decision(
        path,
        of_type(bool, fields["kept"]),
        Reason(fields["reason"]),
        of_type(str, fields["because"]),
        of_type(int, fields["size"]),
        of_type(int, fields["crc32"]),
    )
