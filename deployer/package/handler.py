"""Whether a handler's module has the function that the handler names, as far as its source tells."""

import ast
from collections.abc import Iterator
from typing import Final

from deployer.models.package import Package, Source
from deployer.package import members
from deployer.package.index import handler_path

_ANY: Final = frozenset({"exec", "globals", "setattr", "vars", "__getattr__"})
"""With one of these a module may have names that its source does not show."""


def lacks_name(source: Source, package: Package, handler: str) -> bool:
    """Return whether the handler's module is Python source that never binds the handler's name.

    Args:
        source: the package's zip.
        package: its index.
        handler: such as ``app.handler``.

    Raises:
        PackageError: the data of the module is damaged.
    """
    path = handler_path(package, handler)
    if path is None or not path.endswith(".py"):
        return False
    [(_, text)] = members.unpacked(source, [package.entries[path]])
    try:
        names = set(_names(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):  # another Python may compile it
        return False
    return not names & {handler.rpartition(".")[2], "*", *_ANY}


def _names(module: ast.Module) -> Iterator[str]:
    """Yield each name that is bound, or that may bind others, wherever in the module."""
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.alias():
                yield node.asname or node.name.partition(".")[0]
            case ast.Name():
                if isinstance(node.ctx, ast.Store) or node.id in _ANY:
                    yield node.id
