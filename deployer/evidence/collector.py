"""One reading of a log: events in, one after another; Evidence out at the end.

Memory grows with the number of paths: events and sandboxes are remembered for a while only.
"""

from collections import Counter, OrderedDict
from datetime import UTC, datetime
from typing import Any

from deployer.models.evidence import Evidence, LineCount, LogEvent, PathEvidence, Phase, Touch
from probe_layer.guard import line
from probe_layer.record import HEAD, CutError, MisfitError, Record, decode, read_touch

RECENT_EVENTS = 50_000
"""Event ids remembered: five pages of FilterLogEvents, of which four are under way side by side; an event that is
delivered twice comes again on the next page of its shard."""
RECENT_SANDBOXES = 20_000
"""Sandboxes whose line numbers are followed at a time."""
LONGEST_PATH = 4096
"""PATH_MAX of Linux, in bytes."""
LAST_MOMENT = 253_402_300_799_999
"""The last millisecond that RFC 3339 can write."""

GUARD = "guard"
"""The witness that a path was dropped and asked for after all."""
ASKED = {"list": Touch.LISTED, "exec": Touch.EXECUTED, "dlopen": Touch.LOADED, "needed": Touch.LOADED}
"""How a line of the guard says that it was asked -> the kind of touch; others may have led to an open."""

Moment = tuple[int, str, str, str]
"""Milliseconds, sandbox, phase, request ("" for none): the least is the first."""
_PHASES = frozenset(Phase)
_TOUCHES = frozenset(Touch)


class _Once:
    """Tells events apart from their doubles, by two generations of recent ids."""

    def __init__(self) -> None:
        self._young: set[str] = set()
        self._old: set[str] = set()

    def is_new(self, event: str) -> bool:
        if event in self._young or event in self._old:
            return False
        if len(self._young) >= RECENT_EVENTS:
            self._young, self._old = set(), self._young
        self._young.add(event)
        return True


class Streams:
    """Knows whose log stream each is: the first sandbox in it. A stream that has no name is its sandbox's own."""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, str] = OrderedDict()
        self._started: OrderedDict[str, None] = OrderedDict()

    def owner(self, stream: str, sandbox: str) -> str:
        """Return the sandbox whose stream it is."""
        owner = self._recent.setdefault(stream or sandbox, sandbox)
        _touch_recent(self._recent, stream or sandbox)
        return owner

    def starts(self, sandbox: str) -> bool:
        """Return whether this is the sandbox's first start: a forged line may start it again."""
        fresh = sandbox not in self._started
        self._started[sandbox] = None
        _touch_recent(self._started, sandbox)
        return fresh


def _touch_recent(recent: "OrderedDict[str, Any]", key: str) -> None:
    """Move the key to the end, and forget the one that was not seen for the longest time."""
    recent.move_to_end(key)
    if len(recent) > RECENT_SANDBOXES:
        recent.popitem(last=False)


class _Lines:
    """Follows each sandbox's line numbers: a gap between the lowest and the highest is a lost line.

    What lies before the lowest may be older than the log that was read: it is not counted.
    """

    def __init__(self) -> None:
        self._recent: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        self._lost = 0

    def note(self, sandbox: str, line: int) -> None:
        low, high, seen = self._recent.get(sandbox, (line, line, 0))
        self._recent[sandbox] = (min(low, line), max(high, line), seen + 1)
        self._recent.move_to_end(sandbox)
        if len(self._recent) > RECENT_SANDBOXES:
            self._lost += self._gaps(*self._recent.popitem(last=False)[1])

    def lost(self) -> int:
        return self._lost + sum(self._gaps(*lines) for lines in self._recent.values())

    @staticmethod
    def _gaps(low: int, high: int, seen: int) -> int:
        return max(0, high - low + 1 - seen)


class Trace:
    """One path, as far as the log was read."""

    __slots__ = ("first", "importer", "kinds", "shared", "witnesses")

    def __init__(self, moment: Moment) -> None:
        self.first = moment
        self.kinds: dict[str, int] = {}
        """How often each kind of touch was logged: once for each sandbox."""
        self.shared = False
        """Whether more than one sandbox touched it."""
        self.witnesses: frozenset[str] = frozenset()
        self.importer = ""

    def touch(self, moment: Moment, kind: str, witnesses: frozenset[str], times: int = 1) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + times
        self.witnesses |= witnesses
        if times > 1 or moment[1] != self.first[1]:
            self.shared = True
        self.first = min(self.first, moment)

    def asked(self, module: str) -> None:
        self.witnesses |= {"audit"}
        self.importer = min(filter(None, (self.importer, module)), default="")

    @property
    def sandboxes(self) -> int:
        return max(2, *self.kinds.values()) if self.shared else 1

    def evidence(self) -> PathEvidence:
        timestamp, sandbox, phase, request = self.first
        return PathEvidence(
            touches=frozenset(_touch(kind) for kind in self.kinds),
            sandboxes=self.sandboxes,
            first_seen=rfc3339(timestamp),
            phase=Phase(phase),
            request=request or None,
            sandbox=sandbox,
            witnesses=self.witnesses,
            imported_by=self.importer,
        )


class Tally:
    """All that was read so far of one package's log."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._once = _Once()
        self._lines: Counter[str] = Counter()
        self._traces: dict[str, Trace] = {}
        self._numbers = _Lines()
        self._streams = Streams()
        self._started = 0
        self._population = 0.0
        self._invocations = 0
        self._faults: Counter[str] = Counter()
        self._since, self._until = LAST_MOMENT, 0

    def read(self, event: LogEvent) -> None:
        """Counts one event: each beginning in it is one record's, as no record can hold another's."""
        if not self._once.is_new(event.id):
            self._lines["doubled"] += 1
            return
        beginnings = event.message.split(HEAD)[1:]
        said = [self._guard(event, line.HEAD + rest) for rest in event.message.split(line.HEAD)[1:]]
        self._lines.update(said)
        if not beginnings and not said:
            self._lines["foreign"] += 1
        for rest in beginnings:
            self._lines[self._record(event, HEAD + rest)] += 1

    def _record(self, event: LogEvent, text: str) -> str:
        """What became of the line, by the name of its count. None stops anything: the log may hold anything."""
        try:
            record = decode(text)
        except CutError:
            return "cut" if names_package(self._package) in text else "misfit"
        except MisfitError:
            return "misfit"
        if record is None:
            return "foreign"
        if record.package != self._package:
            return "other_package"
        owner = self._streams.owner(event.stream, record.sandbox)
        if owner != record.sandbox:  # its paths are kept all the same, as the owner's
            self._touches(event.timestamp, record._replace(sandbox=owner), times=0)
            return "misfit"
        self._count(event.timestamp, record)
        return "records" if self._touches(event.timestamp, record) else "misfit"

    def _guard(self, event: LogEvent, text: str) -> str:
        """What became of a line of the guard, by the name of its count. A miss is evidence as a touch is."""
        said = line.decode(text)
        if said is None:
            return "misfit"
        if said.package != self._package:
            return "other_package"
        self._until = max(self._until, event.timestamp)
        if said.fault:
            self._faults[said.fault] += 1
            return "records"
        moment = (event.timestamp, said.sandbox, str(Phase.INVOKE), "")
        trace = self._traces.get(said.miss) or self._trace(said.miss, moment)
        if trace is None:
            return "misfit"
        kind = Touch.READ if said.ask == "open" and said.miss.endswith(".py") else ASKED.get(said.ask, Touch.OPENED)
        trace.touch(moment, str(kind), frozenset({GUARD}))
        return "records"

    def _count(self, timestamp: int, record: Record) -> None:
        self._numbers.note(record.sandbox, record.line)
        if record.line == 0 and self._streams.starts(record.sandbox):
            self._started += 1
            self._population += 1 / record.share
        self._invocations += record.invocations
        self._faults.update(set(record.faults))
        self._since, self._until = min(self._since, timestamp), max(self._until, timestamp)

    def _touches(self, timestamp: int, record: Record, times: int = 1) -> bool:
        """Whether every path could be used; one that could not is left out alone."""
        phase = record.phase if record.phase in _PHASES else Phase.IDLE
        moment = (timestamp, record.sandbox, str(phase), record.request or "")
        whole = True
        for name, paths in record.touched.items():
            kind, witnesses = read_touch(name)
            for path in paths:
                trace = self._traces.get(path) or self._trace(path, moment)
                if trace:
                    trace.touch(moment, kind, witnesses, times)
                else:
                    whole = False
        self._asked(record.imported)
        return whole

    def _asked(self, imported: dict[str, list[str]]) -> None:
        """Who asked for what was touched; a module may have given itself any name."""
        for module, paths in imported.items():
            for path in paths:
                trace = self._traces.get(path) or self._traces.get(normalised(path) or "")
                if trace:
                    trace.asked(module if module.isprintable() else "")

    def _trace(self, path: str, moment: Moment) -> Trace | None:
        normal = normalised(path)
        return None if normal is None else self._traces.setdefault(normal, Trace(moment))

    def evidence(self) -> Evidence:
        return Evidence(
            package=self._package,
            paths={path: trace.evidence() for path, trace in sorted(self._traces.items())},
            sandboxes=max([self._started, *(trace.sandboxes for trace in self._traces.values())]),
            invocations=self._invocations,
            lines=LineCount(**self._lines, lost=self._numbers.lost()),
            faults=dict(sorted(self._faults.items())),
            since=rfc3339(self._since) if self._since <= self._until else "",
            until=rfc3339(self._until) if self._since <= self._until else "",
            population=self._population,
        )


def _touch(kind: str) -> Touch:
    """A kind that only a newer probe knows counts as opened: what is opened is kept."""
    return Touch(kind) if kind in _TOUCHES else Touch.OPENED


def names_package(package: str) -> str:
    """Return how a line names its package: one that is broken and does not hold this is not known to be ours."""
    return f'"package":"{package}"'


def normalised(path: str) -> str | None:
    """The path without ``.`` and spare slashes (the root is ``.``); None where no probe writes it."""
    names = [name for name in path.split("/") if name not in {"", "."}]
    try:
        size = len(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return None
    if size > LONGEST_PATH or "\0" in path or ".." in names:
        return None
    return ("/" if path.startswith("/") else "") + "/".join(names) or "."


def rfc3339(timestamp: int) -> str:
    """Milliseconds since 1970 as ``2025-01-31T12:00:00.000Z``: such texts sort by time."""
    moment = datetime.fromtimestamp(min(max(timestamp, 0), LAST_MOMENT) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
