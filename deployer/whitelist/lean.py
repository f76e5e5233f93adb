"""A whitelist made for commits: sorted, a line a path, nothing that is another each time; so its diffs are small.

It lists what is kept, and of the function's own files what is dropped. A file of a distribution that is not listed is
dropped as long as the distribution is the one that was probed (``distributions``: its name, version and contents). The
function's own files carry their CRC-32, by which an edited one is known.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from deployer.models.package import Distribution, Examined, Kind
from deployer.models.python import USUAL
from deployer.models.whitelist import Decision, Installed, Reason, Whitelist
from deployer.package.pyc import source_of
from deployer.versioned import Form, count, of_type
from deployer.whitelist.inventory import installed
from deployer.whitelist.store import read_python, read_runtime

LEAN_KEY: Final = "ldeploy"
_FORM: Final = Form("The exported whitelist", 1, "Run ldeploy shrink --export again.", key=LEAN_KEY)
_VALUE: Final = re.compile(r"([A-Za-z_][A-Za-z_ ]*?)(?: ([0-9a-f]{8}))?")
_LISTED: Final = "as listed in the exported whitelist"


def to_lean_json(whitelist: Whitelist, distributions: Iterable[Distribution]) -> str:
    """Return one JSON object in ASCII, a line a path, sorted.

    Args:
        whitelist: with each path of its package.
        distributions: those of the package.
    """
    owned = {path for one in distributions for path in one.files}
    known = owned | {folder for path in owned for folder in _above(path)}
    listed = {path: one for path, one in whitelist.decisions.items() if _is_listed(one, known)}
    left_out = sum(not one.kept and path not in listed for path, one in whitelist.decisions.items())
    parts = {
        LEAN_KEY: json.dumps(_FORM.version),
        "runtime": json.dumps(whitelist.runtime),
        **({} if whitelist.python == USUAL else {"python": json.dumps(asdict(whitelist.python))}),
        "left_out": json.dumps(left_out),
        "distributions": _lines({f"{one.name} {one.version}": one.contents for one in whitelist.installed}),
        "keep": _lines({path: _value(one, owned) for path, one in listed.items() if one.kept}),
        "drop": _lines({path: _value(one, owned) for path, one in listed.items() if not one.kept}),
    }
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in parts.items()) + "\n}\n"


def _is_listed(one: Decision, known: set[str]) -> bool:
    """Return whether a decision does not follow from the others: folders of kept paths and of distributions do."""
    if one.kept:
        return one.reason is not Reason.PARENT
    return one.path not in known or one.reason in {Reason.RULE_DROP, Reason.RARE}


def _value(one: Decision, owned: set[str]) -> str:
    own = one.path not in owned and one.crc32  # directories and empty files have none
    return f"{one.reason} {one.crc32:08x}" if own else f"{one.reason}"


def _lines(fields: Mapping[str, str]) -> str:
    return "{" + ",".join(f"\n{json.dumps(name)}: {json.dumps(fields[name])}" for name in sorted(fields)) + "\n}"


def from_lean_json(text: str) -> Whitelist:
    """Return what ``to_lean_json`` wrote; ``completed`` adds what it does not list.

    Raises:
        WorkspaceError: the text is broken, or of a version that is not known here.
    """
    return _FORM.read(text, _whitelist)


def is_lean(text: str) -> bool:
    """Return whether a text is an exported whitelist, of whatever version, rather than a whole one."""
    return re.match(rf'\s*{{\s*"{LEAN_KEY}"\s*:', text) is not None


def _whitelist(fields: dict[str, Any]) -> Whitelist:
    decisions = {
        **{path: _decision(path, value, kept=True) for path, value in fields["keep"].items()},
        **{path: _decision(path, value, kept=False) for path, value in fields["drop"].items()},
    }
    known = (name.rpartition(" ") for name in fields["distributions"])
    contents = fields["distributions"].values()
    return Whitelist(
        package="",
        decisions=dict(sorted(decisions.items())),
        installed=tuple(
            Installed(name, version, of_type(str, one)) for (name, _, version), one in zip(known, contents, strict=True)
        ),
        runtime=read_runtime(fields["runtime"]),
        python=read_python(fields.get("python", {})),
        left_out=count(fields["left_out"]),
    )


def _decision(path: str, value: object, *, kept: bool) -> Decision:
    match = _VALUE.fullmatch(of_type(str, value))
    if match is None:
        raise ValueError(f"{value!r} is no reason")
    return Decision(path, kept, Reason(match[1]), _LISTED, 0, int(match[2] or "0", 16))


# -- for a build -------------------------------------------------------------------------------------------------


def completed(whitelist: Whitelist, examined: Examined) -> Whitelist:
    """Return a whitelist that lists what it dropped of this build too; one that lists everything stays as it is."""
    if whitelist.left_out is None:
        return whitelist
    because = f"of a distribution that is the one that was probed, and not {_LISTED.removeprefix('as ')}"
    unlisted = {
        path: Decision(path, False, Reason.UNTOUCHED, because, entry.size, entry.crc32)
        for path in _unlisted(whitelist, examined)
        if (entry := examined.package.entries.get(path))
    }
    return replace(whitelist, decisions=dict(sorted({**whitelist.decisions, **unlisted}.items())))


def _unlisted(whitelist: Whitelist, examined: Examined) -> Iterator[str]:
    """Yield the files of distributions that did not change, and the folders that hold some, as far as not listed."""
    known, package = set(whitelist.installed), examined.package
    same = (one for one in examined.distributions if installed(package, one) in known)
    files = {path for one in same for path in (*one.files, one.folder)} - whitelist.decisions.keys()
    yield from files
    folders = {folder for path in files for folder in _above(path)}
    yield from folders - files - whitelist.decisions.keys()


def _above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def is_applied(whitelist: Whitelist, examined: Examined) -> bool:
    """Return whether nothing is there of what the whitelist drops: a fresh build has all that pip installs.

    Args:
        whitelist: completed for this build, where it has to be.
        examined: the build.
    """
    entries = examined.package.entries
    dropped = [path for path, one in whitelist.decisions.items() if not one.kept]
    if not (dropped or whitelist.left_out) or any(path in entries for path in dropped):
        return False
    if whitelist.left_out is None:
        return True
    new = (path for path, entry in entries.items() if entry.kind is not Kind.DIRECTORY)
    return all(path in whitelist.decisions or _is_made(path, whitelist) for path in new)


def _is_made(path: str, whitelist: Whitelist) -> bool:
    """Return whether a path is bytecode that was made of a kept source."""
    source = source_of(path) if path.endswith(".pyc") else None
    known = whitelist.decisions.get(source) if source else None
    return bool(known and known.kept)
