"""One row to be brought: in the time there is, with one word to the shim at the end.

Standard output is the shim: a dot for each sign of life, then a letter, then a line for the log. The original error
stands after 2 seconds without a sign of life, 15 before the first one, counted in tenths, as a sandbox may be frozen
between two of them.
"""

import _thread
import os
import time
from typing import TYPE_CHECKING, Union

from probe_layer.guard import store
from probe_layer.guard.bring import bring
from probe_layer.guard.failure import FetchError
from probe_layer.guard.index import NAME, Index
from probe_layer.guard.inside import Blocks
from probe_layer.guard.line import fault_line

if TYPE_CHECKING:
    from probe_layer.guard.s3 import Bucket

ALIVE, BROUGHT, NOTED, FAILED = b".", b"k", b"x", b"f"
_TENTH = 0.1
_PATIENCE = 15  # tenths of a second in a row in which too little comes
_ENOUGH = 100_000  # bytes in a tenth of a second, from S3; the package's own disk is read as fast as the processor goes
_QUEUE = 200  # tenths of a second behind other fetchers


class Job:
    """One row to be brought.

    Args:
        folder: the guard's in the package.
        pid: of the runtime.
        life: its name.
        number: of the row.
    """

    def __init__(self, folder: str, pid: str, life: str, number: int) -> None:
        self._folder, self._pid, self._life, self._number = folder, pid, life, number
        self._package = ""
        self._came, self._enough = 0, _ENOUGH
        self._quiet = 0
        self._queued = True
        self._wanted = [number]
        self._ending = _thread.allocate_lock()

    def run(self) -> None:
        """Brings it, and ends this process."""
        _thread.start_new_thread(self._watch, ())
        try:
            self._bring()
        except FetchError as failure:
            self._fail(failure)
        except OSError as error:
            self._fail(store.no_room("what is asked for") if store.is_full(error) else _unexpected(error))
        except Exception as error:
            self._fail(_unexpected(error))
        self._end(BROUGHT, "")

    def _bring(self) -> None:
        store.prepare()
        store.lock()
        self._queued = False
        if store.is_noted(self._life):  # by the one before us; it has said why
            self._end(NOTED, "")
        with open(self._folder + "/" + NAME, "rb") as file:
            index = Index(file.read())
        self._package = index.package
        about = index.about
        blocks = about.get("blocks")
        source: Union[Blocks, Bucket]
        if blocks is None:
            from probe_layer.guard import s3  # noqa: PLC0415 - 4 ms that what lies inside does not need

            source = s3.Bucket(about, read_environment(self._pid), self._heard, self._answered)
        else:
            source, self._enough = Blocks(self._folder, blocks, self._heard), 1
        bring(index, self._number, source, os.path.dirname(self._folder), self._wanted)

    def _heard(self, count: int) -> None:
        self._came += count

    def _answered(self) -> None:
        """An answer is a sign of life, however little it brings: what is needed may lie in many places."""
        self._came += self._enough

    def _watch(self) -> None:
        """Gives up where too little comes, whatever it is that waits: a name server, a connection, a disk."""
        queued = 0
        while self._quiet < _PATIENCE and queued < _QUEUE:
            time.sleep(_TENTH)
            came, self._came = self._came, 0
            if self._queued:
                queued += 1
            elif came < self._enough:
                self._quiet += 1
            else:
                self._quiet = 0
            if self._queued or came >= self._enough:
                os.write(1, ALIVE)
        self._fail(FetchError("guard-unreachable", "nothing came for %.1f s" % (_PATIENCE * _TENTH)))

    def _fail(self, failure: FetchError) -> None:
        numbers = self._wanted if failure.of_file else [None]
        noted = min([store.note(self._life, number, failure.lasting) for number in numbers])
        line = fault_line(self._package, self._life, failure.fault, str(failure))
        self._end(NOTED if noted else FAILED, line)

    def _end(self, word: bytes, line: str) -> None:
        """The last word, by whichever thread has it first."""
        self._ending.acquire()
        try:
            os.write(1, word + line.encode("ascii"))
        finally:
            os._exit(0)


def read_environment(pid: str) -> dict[str, str]:
    """The runtime's as it was started with: what the function has made of its own since does not count."""
    try:
        with open("/proc/%s/environ" % pid, "rb") as file:
            pairs = [pair.split(b"=", 1) for pair in file.read().split(b"\0") if b"=" in pair]
    except OSError:
        return dict(os.environ)
    return {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}


def _unexpected(error: Exception) -> FetchError:
    return FetchError("guard-failed", "%s: %s" % (type(error).__name__, error))
