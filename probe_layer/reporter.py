"""Reports where Python's own runtime never starts: the function's wrapper runs something else (a web adapter).

    python reporter.py now|later /opt/own/wrapper PROCESS

Started by ``wrapper`` beside what it runs. The processes' shims fill the journal; this one watches the package too, and
writes what is new, for as long as the process lives that the wrapper became. It gives way for good as soon as a runtime
takes the journal for itself. ``later`` waits for that before it does anything.
"""
# ruff: noqa: PLC0415 - the path to the modules is set up first

from __future__ import annotations

import os
import sys
import time
from typing import Any

_INTERVAL = 0.01  # seconds between two looks whether anything was touched: the sandbox may be frozen at any time
_LOOKS = 10  # between two reports where nothing was
_GRACE = 1.5  # seconds that a runtime has to begin


def main(when: str, wrapper: str, process: str) -> None:
    """Set the watch up, and go on in a process of its own, which nobody waits for."""
    sys.path[0], sys.dont_write_bytecode = os.path.dirname(os.path.dirname(os.path.abspath(__file__))), True
    if when == "later":
        detach()
        time.sleep(_GRACE)
    probe, journal = begin(wrapper)
    if when == "now":
        detach()
        probe.adopt()
    report(probe, journal, process)


def detach() -> None:
    """The first process ends; the other is a child of the sandbox's first process."""
    if os.fork():
        os._exit(0)


def begin(wrapper: str) -> tuple[Any, Any]:
    """Return the probe and the journal."""
    from probe_layer.journal import Journal
    from probe_layer.launch import JOURNAL, OWN, find_shim, read_share, take_settings
    from probe_layer.probe import Probe

    shim = find_shim()
    journal = Journal(os.environ.get(JOURNAL, ""), os.environ.get("LDEPLOY_PACKAGE", ""), alone=False)
    if journal.is_taken():
        raise SystemExit
    settings = take_settings()
    roots = os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), settings["LDEPLOY_TASK"]
    probe = Probe(roots, OWN, settings["LDEPLOY_PACKAGE"], read_share(settings["LDEPLOY_SAMPLE"]), journal, shim)
    probe.faults.add("runtime-unknown" if shim else "shim-missing")
    probe.begin(wrapper)
    probe.get_ready()  # what waits for a thread must not be forked
    return probe, journal


def report(probe: Any, journal: Any, process: str) -> None:
    """Write what is new until a runtime reports itself, or nothing runs any more."""
    phase, lives = "start", True
    while lives and not journal.is_taken():
        lives, before = is_alive(process), journal.tail
        probe.report(phase, None)
        phase = "idle"
        await_news(journal, before)


def await_news(journal: Any, before: int) -> None:
    """Sleep until the journal has more than before, or for a while: what the kernel alone saw is not in it."""
    for _ in range(_LOOKS):
        time.sleep(_INTERVAL)
        if journal.tail != before:
            break


def is_alive(process: str) -> bool:
    """Whether the process has not ended yet: one that nobody has waited for has no command line any more."""
    try:
        with open("/proc/%s/cmdline" % process, "rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
