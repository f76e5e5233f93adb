"""What a package is whose zip ldeploy never saw: deploy tools pack the same files into another zip each time."""

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from deployer.context import Context
from deployer.errors import LdeployError
from deployer.instrumentation.configure import EXEC_WRAPPER, FIT_WRAPPER, is_start_layer
from deployer.instrumentation.layer_zip import START_WRAPPER
from deployer.models.function import Function
from deployer.models.package import Entry, Examined, Kind, Source
from deployer.models.whitelist import Decision, Whitelist
from deployer.package import examine, index
from deployer.package.pyc import source_of
from deployer.report.deployed import SLIMMED, Deployed
from deployer.state.state import State
from deployer.state.workspace import DEPLOYED
from deployer.whitelist import completed, from_json, is_applied

_SAME = 0.5
"""The share of a whitelist's paths that a package must hold to be taken for one of the same function."""


def recognise(context: Context, found: Function, state: State) -> Deployed:
    """Return what is deployed, by its contents: the files are compared, not the zip."""
    written = context.workspace.read(DEPLOYED)
    try:
        source = _source(context, found)
        package = index(source)
        if package.label == state.packages.full.label:
            return Deployed.FULL_AGAIN
        if written is None:
            return Deployed.OTHER
        examined = examine(source, package)
        return compare(completed(from_json(written), examined), examined)
    except LdeployError:  # what cannot be read is not known
        return Deployed.OTHER


def lacks_wrapper(context: Context, found: Function, which: Deployed) -> tuple[str, ...]:
    """Say that a function cannot start, or not with its guard: another tool took away its wrapper, or the variable."""
    wrapper = found.configuration.environment.get(EXEC_WRAPPER)
    layered = any(map(is_start_layer, found.configuration.layers))
    mend = f"Put it right with ldeploy deploy {found.name} --package BUILD"
    if layered and wrapper != START_WRAPPER and which in SLIMMED:
        what = "starts without its guard, and without what is packed in its package: its environment was replaced"
        return (f"{found.name} {what}. {mend}.",)
    if wrapper == START_WRAPPER and not layered:
        where = "was in a layer that was taken away since"
    elif wrapper == FIT_WRAPPER and _lacks(context, found):
        where = "the code deployed since does not hold"
    else:
        return ()
    what = f"{found.name} cannot start: {EXEC_WRAPPER} names {wrapper}, which {where}."
    return (f"{what} {mend}, or take the variable out.",)


def _lacks(context: Context, found: Function) -> bool:
    try:
        return FIT_WRAPPER.removeprefix("/var/task/") not in index(_source(context, found)).entries
    except LdeployError:  # what cannot be read is not known
        return False


def _source(context: Context, found: Function) -> Source:
    url = context.aws.functions.code_url(found.name)
    return context.aws.storage.url(url, found.code_size, f"the code of {found.name}")


def compare(whitelist: Whitelist, examined: Examined) -> Deployed:
    """Return what a package is beside the one that a whitelist was made for."""
    before = whitelist.decisions
    there = examined.package.entries
    files = {
        path: entry
        for path, entry in there.items()
        if entry.kind is not Kind.DIRECTORY and not path.startswith(".ldeploy/")
    }
    kept = {path for path, one in before.items() if one.kept}
    if len(kept & there.keys()) < _SAME * len(kept):
        return Deployed.OTHER
    same = not any(_is_new(path, entry, before.get(path), before.keys()) for path, entry in files.items())
    if is_applied(whitelist, examined) or _is_thin(before, files):
        lost = any(not path.endswith(".py") for path in kept - there.keys())
        return Deployed.SLIM_AGAIN if same and not lost else Deployed.SLIM_BUILD
    return Deployed.FULL_AGAIN if same and before.keys() <= there.keys() else Deployed.FULL_BUILD


def _is_thin(before: Mapping[str, Decision], files: Collection[str]) -> bool:
    """Return whether most of what is dropped is not there: ``apply`` keeps a distribution whole that changed since."""
    dropped = [path for path, one in before.items() if not one.kept and one.size]
    return sum(path in files for path in dropped) < (1 - _SAME) * len(dropped)


def _is_new(path: str, entry: Entry, known: Decision | None, before: Collection[str]) -> bool:
    """Return whether a file is neither as it was, nor made of what was there: bytecode, or a trimmed library."""
    if known is None:
        return not (path.endswith(".pyc") and source_of(path) in before)
    return entry.crc32 != known.crc32 and not (entry.size < known.size and _can_be_trimmed(path, entry))


def _can_be_trimmed(path: str, entry: Entry) -> bool:
    name = PurePosixPath(path).name
    return not entry.size or ".so" in name or name == "RECORD" or "." not in name
