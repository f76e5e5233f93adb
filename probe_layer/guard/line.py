"""A line of the guard in the log: a miss, or a fault. Written by the shim (``line.c``) and the fetcher.

One JSON object in ASCII; ``timestamp`` and ``level`` are there because Lambda drops lines without them when a function
logs JSON above INFO. A miss is CloudWatch's embedded metric format too. Paths and reasons, never contents.
"""

import json
import time
from typing import NamedTuple, Optional

MARK = "ldeploy-guard/1"
HEAD = '{"record":"%s"' % MARK
METRIC, NAMESPACE = "GuardMisses", "ldeploy"
_LONGEST = 1200  # characters of a fault's text: a line stays under PIPE_BUF

_DECODER = json.JSONDecoder()


class Line(NamedTuple):
    """A miss (``miss`` is a path), or a fault (``fault`` is its name)."""

    timestamp: str
    """RFC 3339, UTC."""
    package: str
    """Label of the full package."""
    sandbox: str
    """16 hex digits, drawn at each start of a runtime."""
    miss: str = ""
    ask: str = ""
    """How it was asked for: stat, open, list, dlopen, exec … or needed, by another library."""
    how: str = ""
    """``fetched``, ``pool`` (it had come along with another) or ``not-served``."""
    bytes: int = 0
    ms: int = 0
    """How long it took."""
    fault: str = ""
    text: str = ""

    @property
    def served(self) -> bool:
        """Whether the function got what it asked for."""
        return bool(self.miss) and self.how != "not-served"


def fault_line(package: str, sandbox: str, fault: str, text: str) -> str:
    """The line of a fault, with its newline."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%03dZ" % (now % 1 * 1000)
    fields = {"record": MARK, "timestamp": stamp, "level": "WARN", "package": package, "sandbox": sandbox}
    return json.dumps(dict(fields, fault=fault, text=text[:_LONGEST]), separators=(",", ":")) + "\n"


def decode(text: str) -> Optional[Line]:
    """The line in a log event's text, or None where there is none of ours; what stands before it is passed over."""
    start = text.find(HEAD)
    if start < 0:
        return None
    try:
        fields, _ = _DECODER.raw_decode(text, start)
        line = Line(**{name: fields[name] for name in Line._fields if name in fields})
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (line.timestamp, line.package, line.sandbox, line.miss, line.ask, line.how, line.fault, line.text)
    plain = all(isinstance(each, str) for each in texts) and all(type(each) is int for each in (line.bytes, line.ms))
    return line if plain and bool(line.miss) != bool(line.fault) else None
