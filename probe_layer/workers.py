"""Fetches and unpacks batch after batch, several at a time, and begins again where a connection breaks."""

from __future__ import annotations

import os
import threading
import time

from probe_layer.entry import write
from probe_layer.fetch import CONNECTIONS, Stream, StreamError, UnpackError
from probe_layer.manifest import Batch, place_of

_ATTEMPTS = 5


class Workers:
    """Threads that fetch and unpack batch after batch: inflating, writing and receiving all release Python's lock.

    Args:
        waiting: the batches.
        part: where the files come to lie.
        fresh: where a file is written, until it is checked.
    """

    def __init__(self, waiting: list[Batch], part: str, fresh: str) -> None:
        self._waiting = iter(waiting)
        self._count = min(CONNECTIONS, len(waiting))
        self._part, self._fresh = part, fresh
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Until every batch is done, or one has failed.

        Raises:
            UnpackError: as the first that failed.
            OSError: likewise.
        """
        threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(self._count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._error:
            raise self._error

    def _next(self) -> Batch | None:
        with self._lock:
            return None if self._error else next(self._waiting, None)

    def _work(self, number: int) -> None:
        try:
            batch = self._next()
            while batch:
                self._patiently(batch, "%s/%d" % (self._fresh, number))
                batch = self._next()
        except BaseException as error:
            with self._lock:
                self._error = self._error or error

    def _patiently(self, batch: Batch, fresh: str) -> None:
        """A connection that breaks is made anew, for what is left; each file that came is a new beginning."""
        left, attempts = batch.files, 0
        while left:
            before = len(left)
            try:
                left = left[self._write_all(batch._replace(files=left), fresh) :]
            except BrokenError as error:
                left = left[error.done :]
                attempts = 0 if len(left) < before else attempts + 1
                if attempts == _ATTEMPTS:
                    why = "%s was broken off %d times (%s)" % (batch.source, attempts, error)
                    raise UnpackError("unpack-unreachable", why + ": it is tried again at the next start") from error
                time.sleep(0.1 * 2**attempts)

    def _write_all(self, batch: Batch, fresh: str) -> int:
        done = 0
        try:
            stream = Stream(batch.source.open(batch.files[0].offset, batch.end), batch.files[0].offset)
        except (UnpackError, OSError):
            raise
        except Exception as error:
            raise BrokenError(0, error) from error
        try:
            for file in batch.files:
                stream.skip_to(file.offset)
                write(file, stream, fresh, str(batch.source))
                os.rename(fresh, place_of(self._part, file.path))
                done += 1
        except StreamError as error:
            raise BrokenError(done, error.__cause__ or error) from error
        finally:
            stream.close()
        return done


class BrokenError(Exception):
    """A request that ended too soon.

    Args:
        done: files that had come by then.
        why: what was raised.
    """

    def __init__(self, done: int, why: BaseException) -> None:
        super().__init__(str(why) if isinstance(why, StreamError) else type(why).__name__)
        self.done = done
