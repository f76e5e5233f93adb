"""The kernel's account of what is opened below the roots: inotify, by Python, C, the loader and child processes alike.

One watch on each directory; an event names the directory's watch and the entry. Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from _thread import allocate_lock
from fcntl import F_DUPFD_CLOEXEC, fcntl
from posix import O_CLOEXEC, O_NONBLOCK, close, read, readlink, scandir
from posixpath import isdir
from typing import Any, Callable

from probe_layer.letters import Letter
from probe_layer.threads import start_quietly

_NONBLOCK, _CLOEXEC = O_NONBLOCK, O_CLOEXEC
_OPEN, _OVERFLOW = 0x20, 0x4000
_ONLY_DIRECTORIES, _NO_FOLLOW = 0x01000000, 0x02000000
_IS_DIRECTORY = 0x40000000
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name
_HIGH = 1000  # a descriptor up here is not given out again when a function has closed it
_MARK = "anon_inode:inotify"
_ROOM = 8 << 20  # bytes for the paths of one root's directories
_NUMBER = struct.Struct("i")


class Watch:
    """Watches every directory below the roots.

    Args:
        roots: absolute paths.
        own: the probe's folder, which is left out.
        clock: where the shim is there, which does that in a thread, while the runtime starts: tells the moment when it
            has done so (``since``).

    Raises:
        OSError: there is no inotify.
    """

    def __init__(self, roots: list[bytes], own: bytes, clock: Callable[[], int] | None) -> None:
        libc = ctypes.PyDLL(None, use_errno=True)  # keeps the GIL: no other thread waits yet, and it is faster
        self._file = _lift(_checked(libc.inotify_init1(_NONBLOCK | _CLOEXEC)))
        self._directories: dict[int, bytes] = {}
        self._raw: set[bytes] = set()
        self._faults: set[str] = set()
        self._told: list[bytes] = []
        self._busy = allocate_lock()
        self.since = 0
        roots = [root for root in roots if isdir(root)]
        if clock:
            self._busy.acquire()
            start_quietly(lambda: self._watch_aside(roots, own, clock))
        else:
            for root in roots:
                self._add_below(libc.inotify_add_watch, root, own)

    def get_ready(self) -> None:
        """Wait until every directory is watched."""
        with self._busy:
            pass

    def at_work(self) -> bool:
        """Whether the queue is still ours: a function may close every descriptor, and reuse their numbers."""
        try:
            if readlink(f"/proc/self/fd/{self._file}") == _MARK:
                return True
        except OSError:
            pass
        if self._file >= 0:
            self._file = -1
            self._faults.add("inotify-closed")
        return False

    def faults(self) -> list[str]:
        """What went unseen since the last call, by name."""
        self._take_told()
        faults, self._faults = sorted(self._faults), set()
        return faults

    def drain(self) -> list[tuple[str, bytes]]:
        """What was opened and not told before: ``O`` and a file's path, or ``D`` and a directory's."""
        found: list[tuple[str, bytes]] = []
        self._take_told()
        while self.at_work():
            try:
                events = read(self._file, 1 << 20)
            except BlockingIOError:
                break
            self._parse(events, found)
        return found

    # -- the directories -----------------------------------------------------------------------------------------

    def _watch_aside(self, roots: list[bytes], own: bytes, clock: Callable[[], int]) -> None:
        """Have the shim list and watch; it holds no GIL meanwhile."""
        try:
            watch = ctypes.CDLL(None).ldeploy_watch
            watch.restype = ctypes.c_long
            for root in roots:
                with mmap.mmap(-1, _ROOM) as room:
                    place = ctypes.c_char.from_buffer(room)
                    told = watch(self._file, root, own, ctypes.byref(place), ctypes.c_long(_ROOM))
                    del place
                    self._told.append(room[: max(told, 0)])
            self.since = clock()
        except Exception:
            self._faults.add("inotify-refused")
        finally:
            self._busy.release()

    def _take_told(self) -> None:
        """Read what the shim has told: the number of each watch, and the directory's path."""
        self.get_ready()
        while self._told:
            told, at = self._told.pop(), 0
            if not told:
                self._faults.add("inotify-refused")
            while at < len(told):
                (watch,) = _NUMBER.unpack_from(told, at)
                end = told.index(b"\0", at + _NUMBER.size)
                if watch < 0:
                    self._faults.add("inotify-refused")
                else:
                    self._directories[watch] = told[at + _NUMBER.size : end]
                at = end + 1

    def _list(self, directory: bytes) -> list[bytes]:
        try:
            with scandir(directory) as entries:
                return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            self._faults.add("inotify-refused")
            return []

    def _add_below(self, add: Any, root: bytes, own: bytes) -> None:
        """Lists first and watches then, so that the listing raises no events."""
        directories = [root] if isdir(root) else []
        for directory in directories:
            directories += [place for place in self._list(directory) if place != own]
        for directory in directories:
            watch = add(self._file, directory, _OPEN | _ONLY_DIRECTORIES | _NO_FOLLOW)
            if watch >= 0:
                self._directories[watch] = directory
            else:
                self._faults.add("inotify-refused")

    def _parse(self, events: bytes, found: list[tuple[str, bytes]]) -> None:
        at = 0
        while at < len(events):
            watch, mask, _, length = _EVENT.unpack_from(events, at)
            end = at + _EVENT.size + length
            event = events[at:end]
            if event not in self._raw:
                self._raw.add(event)
                if mask & _OVERFLOW:
                    self._faults.add("inotify-overflow")
                    self._raw.discard(event)
                elif mask & _OPEN and watch in self._directories:
                    name = event[_EVENT.size :].rstrip(b"\0")
                    directory = self._directories[watch]
                    kind = Letter.KERNEL_LISTED if mask & _IS_DIRECTORY else Letter.KERNEL_OPENED
                    found.append((kind, directory + b"/" + name if name else directory))
            at = end


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    return result


def _lift(file: int) -> int:
    try:
        high = fcntl(file, F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        return file
    close(file)
    return high
