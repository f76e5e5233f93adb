"""What the probe does must not reach the function: one at a time, unheard, and without a word when it fails."""

from __future__ import annotations

import os
from _thread import LockType
from posix import getpid
from typing import Any, Callable, Protocol

_Method = Callable[..., None]
_OWN = (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/",
    os.path.dirname(os.__file__) + "/",
    "<frozen ",
)
_PACKAGES = ("/site-packages/", "/dist-packages/")


class Guarded(Protocol):
    """What has guarded methods."""

    faults: set[str]
    _pid: int
    _lock: LockType

    def _mute(self, on: int) -> None: ...


def guarded(method: _Method) -> _Method:
    """The method in the runtime's own process alone; what fails in it is a fault in the next record.

    Python runs a handler of the function's signals wherever the main thread is, here too: what such a handler raises
    is the function's, and goes on to it.
    """

    def guard(self: Guarded, *args: Any) -> None:
        try:
            if getpid() != self._pid or not self._lock.acquire(True, 1):
                return
            try:
                self._mute(1)
                method(self, *args)
            finally:
                self._mute(0)
                self._lock.release()
        except Exception as error:
            if not _is_own(error):
                raise
            self.faults.add("probe-failed")

    return guard


def _is_own(error: Exception) -> bool:
    """Whether it was raised by the probe's code, or by the standard library that it calls."""
    place = error.__traceback__
    while place is not None:
        file = place.tb_frame.f_code.co_filename
        if not file.startswith(_OWN) or any(part in file for part in _PACKAGES):
            return False
        place = place.tb_next
    return True
