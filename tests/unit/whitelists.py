"""Small packages, distributions and evidence to make whitelists of."""

import posixpath
from collections.abc import Iterable, Mapping

from deployer.models.evidence import Evidence, PathEvidence, Phase, Touch
from deployer.models.package import Distribution, Entry, Examined, Kind, Package
from deployer.models.whitelist import Reason, Rules, Whitelist
from deployer.whitelist import Surroundings, choose

NO_RULES = Rules()
AROUND = Surroundings("app.handler")
NO_HANDLER = Surroundings("gone.handler")


def package(*paths: str, links: Mapping[str, str] | None = None, crc32: int = 1) -> Package:
    """A package of files of ten bytes each; a path that ends in a slash is an empty directory."""
    entries = {path: Entry(path, Kind.FILE, 10, 5, crc32, 0o644, 8, 0) for path in paths if not path.endswith("/")}
    for path, target in (links or {}).items():
        entries[path] = Entry(path, Kind.SYMLINK, len(target), len(target), 1, 0o755, 0, 0, target)
    folders = {path.rstrip("/") for path in paths if path.endswith("/")}
    for path in [*entries, *folders]:
        while path := posixpath.dirname(path):
            folders.add(path)
    for path in folders:
        entries[path] = Entry(path, Kind.DIRECTORY, 0, 0, 0, 0o755, 0, 0)
    ordered = {path: entries[path] for path in sorted(entries)}
    return Package(ordered, 999, "a1b2" * 16)


def distribution(whole: Package, name: str, version: str = "1.0") -> Distribution:
    """Owns the folder of its name and its dist-info."""
    folder = f"{name}-{version}.dist-info"
    files = (path for path, entry in whole.entries.items() if entry.kind is Kind.FILE)
    return Distribution(
        name, version, folder, frozenset(path for path in files if path.startswith((f"{name}/", f"{folder}/")))
    )


def evidence(
    *opened: str,
    looked: Iterable[str] = (),
    listed: Iterable[str] = (),
    ran: Iterable[str] = (),
    browsed: Iterable[str] = (),
) -> Evidence:
    touches: dict[str, set[Touch]] = {}
    pairs = ((Touch.OPENED, opened), (Touch.LOOKED, looked), (Touch.LISTED, listed), (Touch.EXECUTED, ran))
    for touch, paths in (*pairs, (Touch.BROWSED, browsed)):
        for path in paths:
            touches.setdefault(path, set()).add(touch)
    paths = {
        path: PathEvidence(frozenset(kinds), 2, "2026-01-01T00:00:00Z", Phase.INVOKE, "r-1", "5a")
        for path, kinds in touches.items()
    }
    return Evidence("a1b2a1b2a1b2a1b2", paths, sandboxes=3, invocations=9)


def chosen(
    whole: Package,
    seen: Evidence,
    *,
    rules: Rules = NO_RULES,
    names: Iterable[str] = (),
    around: Surroundings = NO_HANDLER,
    certificates: Iterable[str] = (),
) -> Whitelist:
    return choose(examined(whole, *names, certificates=certificates), seen, rules, around)


def examined(whole: Package, *names: str, certificates: Iterable[str] = ()) -> Examined:
    """The package with distributions of these names."""
    return Examined(whole, tuple(distribution(whole, name) for name in names), frozenset(certificates))


def reasons(whitelist: Whitelist) -> dict[str, Reason]:
    """What is kept, without the directories on the way."""
    return {
        path: whitelist.decisions[path].reason
        for path in whitelist.kept()
        if whitelist.decisions[path].reason is not Reason.PARENT
    }
