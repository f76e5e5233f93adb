"""One sandbox's processes: started in their namespace, frozen and thawed, and ended with everything in them.

Memory and CPU share are not held to the function's setting: Lambda's own way (a micro-VM of that size) is not to
be had here, and an address-space limit would break functions that only reserve memory.
"""

import json
import os
import queue
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import psutil

from deployer.local.sandbox.image import Image, write_runtime
from deployer.local.sandbox.namespace import GROUP, USER

NAMESPACE: Final = Path(__file__).with_name("namespace.py")
TRACES: Final = "/var/traces"
"""Where a launcher's prefix may write, inside the sandbox: ``{sandbox}`` is a folder below it."""


class Isolation(StrEnum):
    """How far a sandbox is kept apart from the host."""

    ROOT = "root"
    """Mount and process namespaces, made as root."""
    USER = "user"
    """The same in a user namespace."""
    PLAIN = "plain"
    """Plain folders: code, layers and /tmp at other paths than in Lambda, and the host in sight."""


@dataclass(frozen=True)
class Contents:
    """What one sandbox shows at its fixed places."""

    code: Path
    layers: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Launcher:
    """How sandboxes are started on this machine."""

    image: Image
    isolation: Isolation
    prefix: tuple[str, ...] = ()
    """Put before the runtime's own command; ``{sandbox}`` becomes a folder of the sandbox's own below ``traces``."""
    traces: Path | None = None

    def root(self, folder: Path) -> str:
        """Return what stands before /var and /opt inside a sandbox with this folder."""
        return str(folder / "root") if self.isolation is Isolation.PLAIN else ""

    def command(self, root: str, sandbox: str) -> list[str]:
        """Return what the sandbox's first process runs."""
        place = f"{self.traces}/{sandbox}" if self.isolation is Isolation.PLAIN else f"{TRACES}/{sandbox}"
        return [part.replace("{sandbox}", place) for part in self.prefix] + [f"{root}/var/runtime/bootstrap"]


class Runtime:
    """The processes of one start of a runtime; the folder it is given outlives it.

    Args:
        launcher: how to start.
        name: the sandbox's id.
        folder: the sandbox's own; ``folder/tmp`` is its /tmp.
        contents: what it shows.
        ended: called once from another thread with ``exit N`` (negative: a signal), ``failed ...`` or ``killed``.
    """

    def __init__(
        self, launcher: Launcher, name: str, folder: Path, contents: Contents, ended: Callable[[str], None]
    ) -> None:
        prepare(folder, launcher, name)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.output, write_end = os.pipe()
        os.set_blocking(self.output, False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(NAMESPACE), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={},
            )
        os.close(write_end)
        self._control.send(json.dumps(build_plan(launcher, name, folder, contents)).encode())
        self._ended = ended
        self._watcher = threading.Thread(target=self._watch, name=f"watch-{name}", daemon=True)
        self._watcher.start()

    def peak_mb(self) -> int:
        """Return the peak of the resident memory of the runtime and its children, in MB rounded up; 0 if they have
        ended.
        """
        try:
            _first, *others = psutil.Process(self._process.pid).children(recursive=True)
        except (psutil.Error, ValueError):
            return 0
        return -(-sum(peak_kb(process.pid) for process in others) // 1024)

    def freeze(self) -> None:
        """Stop every process, as Lambda does between invocations."""
        self._send(b"stop")

    def thaw(self) -> None:
        """Let them run again."""
        self._send(b"continue")

    def stop(self) -> None:
        """Kill every process and wait until none is left."""
        with suppress(OSError):  # it has ended by itself
            self._control.shutdown(socket.SHUT_RDWR)
        self._watcher.join()

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # it has ended meanwhile; the watcher tells
            self._control.send(message)

    def _watch(self) -> None:
        try:
            message = self._control.recv(4096).decode()
        except OSError:
            message = ""
        self._process.wait()
        self._control.close()
        self._ended(message or "killed")


def prepare(folder: Path, launcher: Launcher, name: str) -> None:
    """Make the sandbox's folders; its user inside may write to /tmp and to its place for traces."""
    writable = [folder / "tmp"] + ([launcher.traces / name] if launcher.traces else [])
    for path in [folder / "root", *writable]:
        path.mkdir(parents=True, exist_ok=True)
    if launcher.isolation is Isolation.ROOT:
        for path in writable:
            shutil.chown(path, USER, GROUP)
    (folder / "tmp").chmod(0o700)


def build_plan(launcher: Launcher, name: str, folder: Path, contents: Contents) -> dict[str, Any]:
    """Return the first message to the namespace's process."""
    root = launcher.root(folder)
    image = launcher.image
    writable = [(folder / "tmp", "/tmp")]  # noqa: S108
    if launcher.traces:
        writable.append((launcher.traces / name, f"{TRACES}/{name}"))
    folders = [(image.lang, "/var/lang"), (image.runtime, "/var/runtime")]
    folders += [(contents.code, "/var/task"), (contents.layers, "/opt")]
    folders += [(library, str(library)) for library in image.libraries]
    if launcher.isolation is Isolation.PLAIN:
        lay_out(folder / "root", image, contents)
    return {
        "isolation": launcher.isolation,
        "root": str(folder / "root"),
        "task": f"{root}/var/task",
        "command": launcher.command(root, name),
        "environment": dict(contents.environment),
        "site": image.site,
        "packages": dict(image.packages),
        "system": str(image.system),
        "folders": [(str(source), target) for source, target in folders],
        "writable": [(str(source), target) for source, target in writable],
    }


def lay_out(root: Path, image: Image, contents: Contents) -> None:
    """Make the same places below a folder, by symlinks, with this server's interpreter, where there is no namespace."""
    if (root / "opt").is_symlink():
        return
    write_runtime(root / "var/runtime", image.python, str(root))
    (root / "opt").symlink_to(contents.layers)
    (root / "var/task").symlink_to(contents.code)
    (root / "tmp").symlink_to(root.with_name("tmp"))
    python = root / "var/lang/bin" / image.python
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)


def find_isolation(image: Image, folder: Path) -> Isolation:
    """Try what this machine allows; return the best."""
    modes = [Isolation.ROOT, Isolation.USER] if os.geteuid() == 0 else [Isolation.USER]
    return next((mode for mode in modes if works(mode, image, folder / mode)), Isolation.PLAIN)


def works(isolation: Isolation, image: Image, folder: Path) -> bool:
    """Return whether a sandbox can run ``true`` in the place of what starts the runtime, which then never runs."""
    ends: queue.Queue[str] = queue.Queue()
    empty = folder / "empty"
    empty.mkdir(parents=True)
    launcher = Launcher(image, isolation, prefix=("/bin/true",))
    runtime = Runtime(launcher, "trial", folder, Contents(empty, empty, {}), ends.put)
    ended = ends.get()
    os.close(runtime.output)
    return ended == "exit 0"


def peak_kb(pid: int) -> int:
    """Return VmHWM of a process; 0 if it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
