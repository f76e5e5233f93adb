"""Unpacks a package that is too big for Lambda below /tmp, before the runtime starts; stopped anywhere, it goes on.

    python unpack.py /var/task/.ldeploy/manifest.json /tmp

The manifest (``instrumentation/manifest.py`` writes it) says which files, where their bytes lie and what they must be;
nothing else is trusted. The root, ``/tmp/ldeploy-<label>``, is printed once it is whole, and has another name until
then: no runtime ever sees half a package, and what a start that was cut off has written is not fetched again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from probe_layer.entry import File
from probe_layer.fetch import UnpackError
from probe_layer.manifest import Manifest, batches, paths_of, place_of, read_manifest
from probe_layer.record import Record, encode
from probe_layer.workers import Workers

_BLOCK = 4096


def main(arguments: list[str]) -> int:
    """The root on standard output; or one line on standard error, a record with the fault, and 1."""
    place, base = arguments
    try:
        manifest = read_manifest(place)
        os.write(1, os.fsencode(unpack(manifest, base)))
    except UnpackError as error:
        return tell(error.fault, str(error))
    except Exception as error:
        return tell("unpack-failed", "%s: %s" % (type(error).__name__, error))
    return 0


def tell(fault: str, text: str) -> int:
    """What went wrong, for people and for ``ldeploy status``."""
    # Line 1: a sandbox begins with line 0, and this one has not begun.
    record = Record(
        timestamp=time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        level=os.environ.get("AWS_LAMBDA_LOG_LEVEL") or "INFO",
        sandbox=os.urandom(8).hex(),
        line=1,
        package=os.environ.get("LDEPLOY_PACKAGE", ""),
        phase="start",
        request=None,
        invocations=0,
        witnesses=[],
        faults=[fault],
        touched={},
    )
    for line in ["ldeploy: the package could not be unpacked: " + text.replace("\n", " "), *encode(record)]:
        os.write(2, (line + "\n").encode("utf-8", "replace"))
    return 1


def unpack(manifest: Manifest, base: str) -> str:
    """The root, whole; what was there already stays.

    Args:
        manifest: what is to be unpacked.
        base: /tmp.

    Raises:
        UnpackError: it cannot be had; what was unpacked so far stays for another attempt.
    """
    root = "%s/ldeploy-%s" % (base, manifest.label)
    part, fresh = root + ".part", root + ".new"
    lock = os.open(root + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if os.path.isdir(root):
            return root
        missing = [file for file in manifest.files if not is_there(part, file)]
        check_room(base, missing)
        folders = make_folders(part, manifest)
        shutil.rmtree(fresh, ignore_errors=True)  # what was cut off before its rename may be read-only already
        os.makedirs(fresh)
        Workers(batches(manifest.sources, missing), part, fresh).run()
        for path, target in manifest.links:
            if not os.path.islink(place_of(part, path)):
                os.symlink(os.fsencode(target), place_of(part, path))
        for folder in folders:
            os.chmod(folder, 0o555)  # noqa: S103 - as /var/task is: no bytecode is written, and nothing is deleted by mistake
        shutil.rmtree(fresh)
        os.rename(part, root)
        return root
    except OSError as error:
        if error.errno in {28, 122}:  # ENOSPC, EDQUOT
            raise no_room(base, 0) from error
        raise
    finally:
        os.close(lock)


def is_there(part: str, file: File) -> bool:
    """Whether an earlier attempt has unpacked it: files come to their place by a rename, when they are checked."""
    try:
        return os.lstat(place_of(part, file.path)).st_size == file.size
    except OSError:
        return False


def check_room(base: str, missing: list[File]) -> None:
    """Whether /tmp can hold what is missing: known before anything is fetched."""
    needed = sum(-(-file.size // _BLOCK) * _BLOCK for file in missing)
    room = os.statvfs(base)
    if needed > room.f_bavail * room.f_frsize:
        raise no_room(base, needed)


def no_room(base: str, needed: int) -> UnpackError:
    """What is said when /tmp is too small; ``needed`` in bytes, 0 where it is not known."""
    room = os.statvfs(base)
    wants = "%d MB more" % (needed >> 20) if needed else "more"
    return UnpackError(
        "unpack-space",
        "it needs %s of %s, and %d MB are free: raise the function's ephemeral storage"
        % (wants, base, room.f_bavail * room.f_frsize >> 20),
    )


def make_folders(part: str, manifest: Manifest) -> list[bytes]:
    """Every folder, the outer before the inner; writable until the package is whole."""
    wanted = {b""}
    for path in paths_of(manifest):
        place = path.encode("utf-8", "surrogateescape")
        while b"/" in place and place.rpartition(b"/")[0] not in wanted:
            place = place.rpartition(b"/")[0]
            wanted.add(place)
    wanted.update(path.encode("utf-8", "surrogateescape") for path in manifest.folders)
    folders = [os.path.join(os.fsencode(part), folder) for folder in sorted(wanted)]
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
    return folders


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
