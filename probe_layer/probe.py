"""Writes each path that the witnesses saw once to the log.

Nothing here may raise into the function: every entry point is guarded, and what fails is a fault in the next record.
"""

from __future__ import annotations

from _thread import allocate_lock
from os import environ, fsdecode, fsencode
from posix import getpid, urandom
from time import gmtime, strftime, time
from typing import Any

from probe_layer.collect import Collector
from probe_layer.guarding import guarded
from probe_layer.journal import Entry, Journal
from probe_layer.letters import Letter
from probe_layer.output import Output
from probe_layer.record import Record, encode

_ORDINARY = frozenset(["TRACE", "DEBUG", "INFO"])
"""Levels of a log in which a line is nothing to worry about."""


def _level() -> str:
    return environ.get("AWS_LAMBDA_LOG_LEVEL") or "INFO"


class Probe:
    """One runtime's account of what was touched.

    Args:
        roots: the package's folder (LAMBDA_TASK_ROOT); and /var/task, where symlinks lead there, or nothing.
        own: the probe's folder; the layers lie beside it and are logged as ``/opt``.
        package: label of the package, for the records.
        share: of all sandboxes, those that report.
        journal: None where it could not be had.
        shim: the shim's functions, None where it is not loaded.
    """

    def __init__(
        self, roots: tuple[str, str], own: str, package: str, share: float, journal: Journal | None, shim: Any
    ) -> None:
        self._pid = getpid()
        self._lock = allocate_lock()
        self._package, self._share = package, share
        self._shim = shim
        self._collector = Collector((fsencode(roots[0]), fsencode(roots[1])), fsencode(own), journal, shim)
        self.faults = self._collector.faults
        self._sandbox = journal.sandbox if journal else urandom(8).hex()
        self._line = journal.line if journal else 0
        self._output = Output()
        self._answered = journal.answered if journal else 0
        self._finished = 0
        self._ended: set[str] = set()
        self._silent = False

    # -- entry points --------------------------------------------------------------------------------------------

    @guarded
    def begin(self, wrapper: str) -> None:
        """Start the watch, and report what a runtime before this one could not."""
        left = self._line > 0
        self._collector.begin()
        if left and self._collector.account:
            self._write("idle", None)
        if wrapper:
            self._collector.settle([Entry(Letter.SHIM_EXECUTED, fsencode(wrapper), "")])

    @guarded
    def get_ready(self) -> None:
        """Wait until every directory is watched."""
        self._collector.get_ready()

    @guarded
    def drain(self) -> None:
        """Empty the kernel's queue."""
        if not self._silent:
            self._collector.drain()

    @guarded
    def report(self, phase: str, request: str | None, ended: bool = False) -> None:
        """Log what is new, and that start-up or an invocation has ended."""
        if self._silent:
            return
        self._finished += ended and phase == "invoke"
        self._tell(phase, request, ended)

    @guarded
    def report_workers(self) -> None:
        """Log what the runtime's workers touched and how many invocations they ended: nobody says which was when."""
        journal = self._collector.journal
        answered = journal.answered if journal else 0
        new, self._answered = answered - self._answered, answered
        self._finished += new
        self._tell("invoke" if answered else "start", None, new > 0)

    @guarded
    def renew(self) -> None:
        """This sandbox is one of several restored from one snapshot: it draws its own lot, and logs everything under
        its own id."""
        self._sandbox, self._line = urandom(8).hex(), 0
        self._silent = int(self._sandbox[:8], 16) >= self._share * 2**32
        self._collector.account.again()
        if self._collector.journal:
            self._collector.journal.renew(self._sandbox)

    def adopt(self) -> None:
        """Another process goes on with it."""
        self._pid = getpid()

    def count_answer(self) -> None:
        """A worker that the runtime has forked ended an invocation."""
        if self._shim:
            self._shim.ldeploy_answered()

    # -- writing -------------------------------------------------------------------------------------------------

    def _mute(self, on: int) -> None:
        if self._shim:
            self._shim.ldeploy_mute(on)

    def _relative(self, path: bytes) -> str:
        return fsdecode(self._collector.relative(path))

    def _tell(self, phase: str, request: str | None, ended: bool) -> None:
        """Write a line where there is news, or where something has ended: in a log of warnings and errors alone only
        for the first time, as each line there is counted as an error."""
        self._collector.collect()
        told = ended and (phase not in self._ended or _level() in _ORDINARY)
        if ended:
            self._ended.add(phase)
        if self._collector.account or self.faults or told:
            self._write(phase, request)

    def _write(self, phase: str, request: str | None) -> None:
        faults = self._collector.take_faults()
        account, now = self._collector.account, time()
        record = Record(
            timestamp=strftime("%Y-%m-%dT%H:%M:%S", gmtime(now)) + ".%03dZ" % (now % 1 * 1000),
            level=_level(),
            sandbox=self._sandbox,
            line=self._line,
            package=self._package,
            phase=phase,
            request=request,
            invocations=self._finished,
            witnesses=self._collector.witnesses(),
            faults=faults,
            touched=account.touched(self._relative),
            share=self._share,
            imported=account.imported(self._relative),
        )
        lines = encode(record)
        if not self._output.write(lines):
            self.faults.update(faults, ["output-closed"])
            return
        account.written()
        self._finished = 0
        self._line += len(lines)
        if self._collector.journal:
            self._collector.journal.commit(self._line)
