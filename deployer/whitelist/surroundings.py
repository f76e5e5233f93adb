"""Finds what processes other than the function's own need, which the probe does not see.

Extensions are started before the runtime and its wrapper
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). What they read of the package is named
by the function's environment, or lies at its root: ``datadog.yaml``, ``collector.yaml``, ``vector.toml``.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote

from deployer.models.package import Entry, Kind
from deployer.models.whitelist import Reason
from deployer.package import links
from deployer.whitelist.closure import Found
from deployer.whitelist.package_index import PackageIndex
from deployer.whitelist.user_rules import OPT

TASK: Final = "/var/task/"
"""Where Lambda puts a package."""
_ROOTS: Final = {
    TASK: re.compile(r"(?:/var/task|\$LAMBDA_TASK_ROOT|\$\{LAMBDA_TASK_ROOT\})/+"),
    OPT: re.compile(r"/opt/+"),
}
_ENDS: Final = re.compile(r"[:;,&?#=|<>()\[\]{}\"'`\s]")
"""What may follow a path in a value: of a list, of JSON, of a URI, of a command line."""
_SCHEME: Final = re.compile(r"[A-Za-z][\w+.-]*:(//)?")
_SEARCH_PATHS: Final = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "NODE_PATH", "CLASSPATH"})
"""Variables that name folders for the sake of programs and libraries in them."""
_CONFIGURATION: Final = re.compile(
    r"(.*\.)?(ya?ml|json|toml|ini|conf|cfg|config|properties|env|xml|hcl|alloy|river|rules)", re.IGNORECASE
)
_LONGEST: Final = 256 << 10
"""Bytes of a configuration file."""


@dataclass(frozen=True)
class Surroundings:
    """The part of a function's configuration that tells which files it needs."""

    handler: str = ""
    """``app.handler``."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Its variables without ldeploy's own. Values are never printed: they may be secrets."""
    extensions: tuple[str, ...] = ()
    """The names of its layers' external extensions."""
    root: Literal["/var/task/", "/opt/"] = TASK
    """Where the package, or the layer, lies in Lambda."""


def needed(index: PackageIndex, around: Surroundings) -> Iterator[Found]:
    """Yield what the environment names, and what extensions may read by themselves."""
    for variable, value in sorted(around.environment.items()):
        for path in _paths(index, value, around.root):
            if index.entries[path].kind is not Kind.DIRECTORY:
                yield Found(path, Reason.NAMED, f"the variable {variable} names it")
            elif around.extensions and variable not in _SEARCH_PATHS:
                because = f"the variable {variable} names {path}, and extensions are started before the probe"
                yield from (Found(child, Reason.NAMED, because) for child in (path, *_configuration(index, path)))
    if around.extensions and around.root == TASK:
        yield from _read_by_extensions(index, around.extensions)


def _paths(index: PackageIndex, value: str, root: str) -> Iterator[str]:
    """Yield each entry that a value names by its whole path, and the one that it is the relative path of."""
    for start in _ROOTS[root].finditer(value):
        for text in (value[start.end() :], unquote(value[start.end() :])):
            yield from _longest(index, text)
    relative = posixpath.normpath(_SCHEME.sub("", value, count=1))
    if root == TASK and relative in index.entries and index.entries[relative].kind is not Kind.DIRECTORY:
        yield relative


def _longest(index: PackageIndex, text: str) -> Iterator[str]:
    """Yield the longest beginning of a text that is a path of the package, and the symlinks on the way to it."""
    for end in [len(text), *sorted((found.start() for found in _ENDS.finditer(text)), reverse=True)]:
        way = links.follow(index.entries, text[:end])
        if way.end:
            yield from (*way.links, way.end)
            return


def _read_by_extensions(index: PackageIndex, extensions: tuple[str, ...]) -> Iterator[Found]:
    """Yield the function's own configuration files at the root, where extensions look for theirs."""
    because = f"the extension {' or '.join(extensions)} may read it, and is started before the probe"
    for path in index.children.get("", ()):
        if path not in index.owners and _is_configuration(index.entries[path]):
            yield Found(path, Reason.EXTENSION, because)


def _configuration(index: PackageIndex, folder: str) -> Iterator[str]:
    """Yield the function's own configuration files below a folder."""
    for path in index.children.get(folder, ()):
        if path not in index.owners and _is_configuration(index.entries[path]):
            yield path
        yield from _configuration(index, path)


def _is_configuration(entry: Entry) -> bool:
    name = posixpath.basename(entry.path)
    return entry.kind is not Kind.DIRECTORY and entry.size <= _LONGEST and bool(_CONFIGURATION.fullmatch(name))
