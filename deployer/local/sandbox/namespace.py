"""The process that becomes a sandbox: builds its file system, starts the runtime in it, and ends with it.

Run as a script by ``sandbox.py``, one for each start of a runtime; standard library only. What to build comes as
one message on the control socket; later messages are ``stop`` and ``continue`` (the freeze between invocations).
Whoever holds the other end of the socket holds the sandbox: when it closes, every process in it is killed.

Inside: /var/task, /opt and /var/runtime read-only, /var/lang the interpreter, /tmp writable, the system's own
folders (or an image's) read-only, nothing else of the host. The runtime has the user that Lambda gives it, and no
privilege.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = -100, 0x8000, 0x1, 442
SYS_PIVOT_ROOT = {"x86_64": 155}.get(os.uname().machine, 41)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38

USER, GROUP = 993, 990
"""Lambda's sbx_user1051."""
OPEN_FILES = 1024
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "nix", "gnu")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
"""No /dev/shm, as in Lambda."""

libc = ctypes.CDLL(None, use_errno=True)


def main(control: socket.socket) -> NoReturn:
    """Start the sandbox that the first message describes and stay until it ends."""
    control.set_inheritable(False)
    plan = json.loads(control.recv(1 << 20))
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    if plan["isolation"] != "plain":
        leave_host(plan["isolation"])
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            if plan["isolation"] != "plain":
                build(plan)
            supervise(plan, control)
        except Exception as error:
            control.send(f"failed {error!r}".encode())
        finally:
            os._exit(1)
    control.close()
    os.waitpid(child, 0)
    os._exit(0)


def leave_host(isolation: str) -> None:
    """Enter new mount and process namespaces; a user namespace too where we are not root."""
    uid, gid = os.geteuid(), os.getegid()
    user = CLONE_NEWUSER if isolation == "user" else 0
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWPID | user), "unshare")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{USER} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{GROUP} {gid} 1")


# -- the file system -------------------------------------------------------------------------------------------


def build(plan: dict[str, Any]) -> None:
    """Build a new root on a tmpfs that only this sandbox sees; create nothing on the host."""
    root = Path(plan["root"])
    mount("none", Path("/"), MS_REC | MS_PRIVATE)
    mount("tmpfs", root, MS_NOSUID | MS_NODEV, "tmpfs", "mode=755")
    for name in SYSTEM:
        bind_system(Path(plan["system"], name), root / name)
    for name in ("/etc/resolv.conf", "/etc/localtime"):
        bind_target(name, root)
    if plan["system"] != "/":
        bind_names(root)
    devices(root / "dev")
    for source, target in plan["folders"]:
        bind(Path(source), root / target.lstrip("/"))
    if plan["packages"]:
        site_packages(root / plan["site"].lstrip("/"), plan["packages"])
    for source, target in plan["writable"]:
        bind(Path(source), root / target.lstrip("/"), read_only=False)
    proc = root / "proc"
    proc.mkdir()
    try:
        mount("proc", proc, MS_NOSUID | MS_NODEV, "proc")
    except OSError:  # a container that masks parts of /proc allows no new one
        bind(Path("/proc"), proc, read_only=False)
    read_only_mount(root, recursive=False)
    enter(root)


def bind_system(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        bind(source, target)


def bind_target(name: str, root: Path) -> None:
    """Bind a file of /etc that points out of the folders bound so far (/run, mostly)."""
    real = Path(name).resolve()
    if real.is_file() and real.parts[1] not in SYSTEM:
        bind(real, root / str(real).lstrip("/"))


def bind_names(root: Path) -> None:
    """Show how this machine finds other machines, where the file system has its own system folders."""
    for name in ("etc/hosts", "etc/resolv.conf"):
        if Path("/", name).is_file() and (root / name).is_file() and not (root / name).is_symlink():
            bind(Path("/", name).resolve(), root / name)


def devices(folder: Path) -> None:
    folder.mkdir()
    for name in DEVICES:
        if Path("/dev", name).exists():
            bind(Path("/dev", name), folder / name, read_only=False)
    for name, target in {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        (folder / name).symlink_to(f"/proc/self/{target}")


def site_packages(folder: Path, packages: dict[str, str]) -> None:
    """Show just what Lambda's image has, over whatever the interpreter has there."""
    if not folder.is_dir():  # an interpreter of the system's: lay the missing folder over it
        layer = folder.parents[2].with_name("site-layer")
        (layer / "site-packages").mkdir(parents=True)
        lower = f"lowerdir={layer}:{folder.parent}"
        mount("overlay", folder.parent, 0, "overlay", lower)
    mount("tmpfs", folder, MS_NOSUID | MS_NODEV, "tmpfs", "mode=755")
    for name, source in packages.items():
        bind(Path(source), folder / name)
    read_only_mount(folder, recursive=False)


def bind(source: Path, target: Path, *, read_only: bool = True) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(str(source), target, MS_BIND | MS_REC)
    if read_only:
        read_only_mount(target, recursive=True)


def read_only_mount(target: Path, *, recursive: bool) -> None:
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    path = os.fsencode(target)
    done = libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, flags, attributes, ctypes.sizeof(attributes))
    check(done, f"mount_setattr {target}")


def mount(source: str, target: Path, flags: int, kind: str | None = None, options: str | None = None) -> None:
    texts = [os.fsencode(text) if text is not None else None for text in (kind, options)]
    done = libc.mount(os.fsencode(source), os.fsencode(target), texts[0], flags, texts[1])
    check(done, f"mount {source} on {target}")


def enter(root: Path) -> None:
    """Make ``root`` the root and let go of the host's."""
    os.chdir(root)
    if libc.syscall(SYS_PIVOT_ROOT, b".", b".") == 0:
        check(libc.umount2(b".", MNT_DETACH), "umount")
    else:  # the host's root is a ramfs, which cannot be pivoted away from
        os.chroot(".")
    os.chdir("/")


def check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


# -- the runtime -----------------------------------------------------------------------------------------------


def supervise(plan: dict[str, Any], control: socket.socket) -> NoReturn:
    """Run as the sandbox's first process: start the runtime, reap orphans, freeze and thaw, report how it ended."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    runtime = os.fork()
    if runtime == 0:
        run(plan)
    everyone = -1 if plan["isolation"] != "plain" else -runtime
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == control.fileno():
                obey(control, everyone)
            else:
                os.read(wake, 4096)
                bury(runtime, control, everyone)


def obey(control: socket.socket, everyone: int) -> None:
    message = control.recv(64)
    if not message:
        end(everyone)
    kill(everyone, {b"stop": signal.SIGSTOP, b"continue": signal.SIGCONT}[message])


def bury(runtime: int, control: socket.socket, everyone: int) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid == runtime:
            control.send(f"exit {os.waitstatus_to_exitcode(status)}".encode())
            end(everyone)


def end(everyone: int) -> NoReturn:
    """Kill the runtime: a process namespace ends with its first process; without one, kill the group."""
    kill(everyone, signal.SIGKILL)
    os._exit(0)


def kill(everyone: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(everyone, number)


def run(plan: dict[str, Any]) -> NoReturn:
    """Become the runtime."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if plan["isolation"] == "root":
            os.setgroups([])
            os.setgid(GROUP)
            os.setuid(USER)
        os.chdir(plan["task"])
        os.execvpe(plan["command"][0], plan["command"], plan["environment"])  # noqa: S606
    except OSError as error:
        print(f"{plan['command'][0]}: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201
    os._exit(127)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
