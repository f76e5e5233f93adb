"""One command at a time on a function, from whatever machine: a lease in the bucket, held by conditional writes."""

import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from deployer.aws.storage import Storage
from deployer.errors import BusyError, CloudError, DeniedError, LdeployError
from deployer.models.function import function_key

NAME: Final = "lease"
LEASE_S: Final = 300
"""Seconds after which a lease that is not renewed was left by a process that died."""
RENEW_S: Final = 60
RELEASED: Final = "{}"
"""What is in a lease that nobody holds."""
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Holder:
    """Who works on a function."""

    host: str
    boot: str
    """Tells machines of one name, and starts of one machine, from each other."""
    pid: int
    began: int
    """When the process began, in the machine's own ticks: a number is given to another process one day."""

    def is_dead(self) -> bool:
        """Return whether it was a process of this machine that is no more."""
        here = this_process(self.pid)
        return (self.host, self.boot) == (here.host, here.boot) and self.began != here.began


def this_process(pid: int | None = None) -> Holder:
    """Return this process, or another one of this machine, as a holder."""
    pid = os.getpid() if pid is None else pid
    boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
    return Holder(platform.node(), boot, pid, _began(pid))


def _began(pid: int) -> int:
    """Return when a process began (field 22 of ``/proc/PID/stat``), or 0 where there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


@contextmanager
def leased(storage: Storage, bucket: str, function: str) -> Iterator[None]:
    """Hold the function's lease for the length of the block; renew it meanwhile.

    Raises:
        BusyError: another command works on the function.
    """
    key, text = function_key(function, NAME), json.dumps({"id": uuid4().hex, **vars(this_process())})
    etag = _take(storage, bucket, key, function, text)
    stop = threading.Event()
    renewing = threading.Thread(target=_renew, args=(storage, bucket, key, (text, etag), stop.wait), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        stop.set()
        renewing.join()
        with suppress(LdeployError):  # it ends by itself
            _release(storage, bucket, key, text)


def _release(storage: Storage, bucket: str, key: str, text: str) -> None:
    """Delete the lease; where that is not permitted, write that nobody holds it. One that others took stays."""
    held = storage.peek(bucket, key)
    if held is None or held.text != text:
        return
    try:
        storage.delete(bucket, key)
    except DeniedError:
        storage.put_if(bucket, key, RELEASED, held.etag)


def _take(storage: Storage, bucket: str, key: str, function: str, text: str) -> str:
    held = storage.peek(bucket, key)
    if held and not (held.text == RELEASED or held.age_s > LEASE_S or _is_dead(held.text)):
        holder = _holder(held.text)
        where = f" (process {holder.pid} on {holder.host})" if holder else ""
        raise BusyError(
            f"Another ldeploy is at work on {function}{where}.",
            f"Wait until it has ended; if it died, its lease ends in {max(1, LEASE_S - int(held.age_s))} s.",
        )
    etag = storage.put_if(bucket, key, text, held.etag if held else "")
    if etag is None:
        raise BusyError(f"Another ldeploy has just begun to work on {function}.", "Wait until it has ended.")
    return etag


def _renew(storage: Storage, bucket: str, key: str, held: tuple[str, str], wait: Callable[[float], Any]) -> None:
    (text, etag), began = held, time.monotonic()
    while not wait(RENEW_S):
        try:
            etag = storage.put_if(bucket, key, text, etag) or etag
        except CloudError:
            if time.monotonic() - began > LEASE_S:
                return  # others may take it; the function's RevisionId still protects every update


def _holder(text: str) -> Holder | None:
    try:
        fields = json.loads(text)
        return Holder(fields["host"], fields["boot"], fields["pid"], fields["began"])
    except (ValueError, TypeError, KeyError):
        return None


def _is_dead(text: str) -> bool:
    holder = _holder(text)
    return holder is not None and holder.is_dead()
