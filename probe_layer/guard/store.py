"""The guard's folder in /tmp: what was brought, what came along with it, and what cannot be had.

t/      the places where the package's links lead: what was asked for, and folders as they were in the full package
pool/   what came along, by the number of its row: the shim renames it to its place when somebody asks
new/    what is being written
no.*    what cannot be had in this runtime's life: of mode 0400 for good, of 0600 for 30 seconds
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from typing import Iterator

from probe_layer.guard.failure import FetchError, damaged
from probe_layer.guard.index import FILE, FOLDER, KEEPER, Index, Row

STORE = "/tmp/.ldeploy-guard"
TREE, POOL, NEW, ABSENT = STORE + "/t", STORE + "/pool", STORE + "/new", STORE + "/a"
_RESERVE = 32 << 20  # bytes of /tmp that stay free
_BLOCK = 4096
_WHILE = 30  # seconds for which a failure that may pass is not tried again
_FULL = (28, 122)  # ENOSPC, EDQUOT


def prepare() -> None:
    """Makes the folders."""
    for folder in (TREE, POOL, NEW):
        os.makedirs(folder, mode=0o700, exist_ok=True)


def lock() -> None:
    """Waits until no other fetcher is at work, until this process ends; clears away what a killed one left behind."""
    handle = os.open(STORE + "/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    for place, folders, files in os.walk(NEW, topdown=False):
        for name in files:
            os.unlink(os.path.join(place, name))
        for name in folders:
            _remove(os.path.join(place, name))


def _remove(folder: str) -> None:
    """A link to a folder is none that os.walk would go into."""
    if os.path.islink(folder):
        os.unlink(folder)
    else:
        os.rmdir(folder)


def note(life: str, number: int | None, lasting: bool) -> bool:
    """Remembers that a row, or nothing at all, can be had. Whether that was possible."""
    place = "%s/no.%s.%s" % (STORE, life, "all" if number is None else number)
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(handle, 0o400 if lasting else 0o600)
        os.utime(handle)
        os.close(handle)
    except OSError:
        return False
    return True


def is_noted(life: str) -> bool:
    """Whether another fetcher of this life has just found that nothing can be had."""
    try:
        status = os.stat("%s/no.%s.all" % (STORE, life))
    except OSError:
        return False
    return not status.st_mode & 0o200 or time.time() - status.st_mtime < _WHILE


def free() -> int:
    """Bytes of /tmp that may be taken."""
    room = os.statvfs(STORE)
    return room.f_bavail * room.f_frsize - _RESERVE


def weight(row: Row) -> int:
    """Bytes that it takes on /tmp, about."""
    return -(-row.size // _BLOCK) * _BLOCK + _BLOCK


def no_room(path: str) -> FetchError:
    """What is said when /tmp is full."""
    text = "/tmp has no room for %s: raise the function's ephemeral storage" % path
    return FetchError("guard-space", text)


def is_full(error: OSError) -> bool:
    """Whether the disk is."""
    return error.errno in _FULL


def is_there(number: int, row: Row) -> bool:
    """Whether it was brought, or has come along."""
    return os.path.exists("%s/%d" % (POOL, number)) or os.path.exists("%s/%s" % (TREE, row.path))


def write(number: int, row: Row, portions: Iterator[bytes], source: str) -> None:
    """Puts a file into the pool when it is whole and its hash is right: never longer than it may be.

    Raises:
        FetchError: the bytes are not those of the package.
    """
    fresh = "%s/%d.%d" % (NEW, number, os.getpid())
    size, digest = 0, hashlib.sha256()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        for portion in portions:
            size += len(portion)
            if size > row.size:
                break
            digest.update(portion)
            rest = memoryview(portion)
            while rest:
                rest = rest[os.write(handle, rest) :]
        if size != row.size or digest.digest() != row.digest:
            raise damaged(row.path, source)
        os.fchmod(handle, row.mode)
        os.utime(handle, (row.changed, row.changed))
        os.rename(fresh, "%s/%d" % (POOL, number))
    except BaseException:
        os.unlink(fresh)
        raise
    finally:
        os.close(handle)


# -- places ----------------------------------------------------------------------------------------------------------


def make_place(index: Index, number: int, root: str) -> None:
    """Makes the folder that a file comes to; for a program, the kept libraries that it finds from there."""
    path = index[number].path
    top = top_folder(index, path)
    if top is not None:
        make_folder(index, top)
    os.makedirs(os.path.dirname("%s/%s" % (TREE, path)), exist_ok=True)
    for other in map(index.__getitem__, index.needs(number)):
        if other.kind == KEEPER and top_folder(index, other.path) is None:
            _mirror(other.path, root)


def top_folder(index: Index, path: str) -> int | None:
    """The outermost dropped folder that a path lies in, or is: the package's link stands in its place."""
    names = path.split("/")
    for depth in range(1, len(names) + 1):
        number = index.find("/".join(names[:depth]))
        if number is not None and index[number].kind == FOLDER:
            return number
    return None


def make_folder(index: Index, number: int) -> None:
    """Makes a dropped folder as it was: its folders, and for each file a link that leads nowhere yet."""
    top = index[number].path
    place = "%s/%s" % (TREE, top)
    if os.path.isdir(place):
        return
    fresh = "%s/%s" % (NEW, os.urandom(8).hex())
    os.mkdir(fresh)
    for other in map(index.__getitem__, index.below(number)):
        inside = fresh + other.path[len(top) :]
        if other.kind == FOLDER:
            os.mkdir(inside)
        elif other.kind == FILE:
            os.symlink("%s/%s" % (ABSENT, other.path), inside)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.rename(fresh, place)


def _mirror(path: str, root: str) -> None:
    place = "%s/%s" % (TREE, path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if not os.path.lexists(place):
        os.symlink("%s/%s" % (root, path), place)
