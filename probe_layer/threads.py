"""Threads of the probe's: raw, so that neither ``threading`` nor the function's own count of threads knows of them, and
without a signal, so that none that the function has blocked or waits for comes to them."""

from __future__ import annotations

import ctypes
from _thread import start_new_thread
from typing import Callable

_SET_MASK = 2  # SIG_SETMASK
_C = ctypes.PyDLL(None)


def start_quietly(work: Callable[[], None]) -> None:
    """Start a thread that does the work."""
    before = (ctypes.c_ubyte * 128)()
    _C.sigprocmask(_SET_MASK, (ctypes.c_ubyte * 128)(*[255] * 128), before)
    try:
        start_new_thread(work, ())
    finally:
        _C.sigprocmask(_SET_MASK, before, None)
