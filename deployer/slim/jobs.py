"""Work on two threads, with a bound on the memory that waiting work holds."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Generic, TypeVar

_THREADS: Final = 2
_HELD: Final = 64 << 20
"""Bytes in work at a time; bigger work runs alone."""

_Result = TypeVar("_Result")


class Jobs(AbstractContextManager["Jobs[_Result]"], Generic[_Result]):
    """Results come back in the order in which the work was given."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS)
        self._running: deque[tuple[int, Future[_Result]]] = deque()
        self._held = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, size: int, work: Callable[[], _Result]) -> Iterator[_Result]:
        """Start work that holds ``size`` bytes; yield the results of what had to end before there was room for it."""
        while self._running and self._held + size > _HELD:
            yield self._first()
        self._held += size
        self._running.append((size, self._pool.submit(work)))

    def rest(self) -> Iterator[_Result]:
        """Yield the results that were not given yet."""
        while self._running:
            yield self._first()

    def _first(self) -> _Result:
        size, future = self._running.popleft()
        self._held -= size
        return future.result()
