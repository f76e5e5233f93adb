"""An AWS and a user's folder that are forked for each case: what one case does, no other one sees."""

import ctypes
import faulthandler
import io
import os
import pickle
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from deployer import cli
from deployer.local import LocalAws
from deployer.local.gateway import App, Gateway
from tests.faults.gateway import COMMAND, DisturbingGateway, Script
from tests.functional.local_aws import Cloud, client

Result = TypeVar("Result")
OTHER: Final = "other"
"""The access key of whoever else is at work."""
PR_SET_PDEATHSIG: Final = 1
"""A command does not outlive its case: it would keep the pipe open to which that writes its result."""
WORKERS: Final = ("logs_", "ThreadPoolExecutor")
"""Threads in which a command reads a log, or an upload works: those of the AWS beside it have other names."""
LONGEST_S: Final = 60
"""A case takes a second or two."""
SERVICES: Final = ("lambda", "s3", "logs")


class ForkedAws(LocalAws):
    """An embedded AWS with a gateway that can be told what is to happen at which call."""

    def _make_gateway(self, app: App) -> Gateway:
        self.gateway = DisturbingGateway(app, self._store, self.faults)
        return self.gateway


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    """Negative: the signal that killed it."""
    out: str
    err: str
    calls: tuple[str, ...] = ()


@dataclass
class World:
    """An AWS, the folder of a user, and an empty one on another machine."""

    aws: ForkedAws
    folder: Path
    cloud: Cloud

    @property
    def elsewhere(self) -> Path:
        """A folder in which ldeploy never ran."""
        folder = self.folder.parent / "elsewhere"
        folder.mkdir(exist_ok=True)
        return folder

    def ldeploy(
        self, arguments: tuple[str, ...], *, folder: Path | None = None, script: Script | None = None, own: bool = False
    ) -> Ended:
        """Run one command; in a process of its own where it may be killed, or another one comes between its calls."""
        folder = folder or self.folder
        if script:
            self.aws.gateway.script = script
        key = COMMAND if script else OTHER
        own |= bool(script and (script.meanwhile or (script.mishap and script.mishap.kills)))
        run = _forked if own or threading.current_thread() is not threading.main_thread() else _here
        environment = {**self.aws.environment(), "AWS_ACCESS_KEY_ID": key, "LDEPLOY_GUARD": "off"}
        try:
            code, out, err = run(arguments, folder, environment, script)
        finally:
            if script:
                self.aws.gateway.script = Script()
        return Ended(code, out, err, tuple(script.calls) if script else ())

    def branch(self, work: "Callable[[World], Result]", seconds: int = LONGEST_S) -> Result:
        """Do something in a fork of this world, of which this one sees nothing but the result; 0 seconds for any."""
        receiver, sender = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(receiver)
            self._be_branch(work, sender, seconds)
        os.close(sender)
        with os.fdopen(receiver, "rb") as pipe:
            sent = pipe.read()
        os.waitpid(pid, 0)
        if not sent:
            raise RuntimeError("A case took too long, or its process died.")
        worked, result = pickle.loads(sent)
        if not worked:
            raise RuntimeError(result)
        done: Result = result
        return done

    def _be_branch(self, work: "Callable[[World], Result]", sender: int, seconds: int) -> NoReturn:
        faulthandler.register(signal.SIGALRM, chain=True)  # says where it stands before it dies
        signal.alarm(seconds)
        place = Path(tempfile.mkdtemp(prefix="ldeploy-faults-"))
        try:
            shutil.copytree(self.folder, place / "home", symlinks=True)
            self.aws.go_on()
            clients = [client(self.aws, service) for service in SERVICES]
            result: Any = True, work(World(self.aws, place / "home", Cloud(self.aws, *clients)))
        except BaseException:
            result = False, traceback.format_exc()
        with os.fdopen(sender, "wb") as pipe:
            pipe.write(pickle.dumps(result))
        with suppress(Exception):
            self.aws.pause()
        shutil.rmtree(place, ignore_errors=True)
        os._exit(0)


Run = tuple[int, str, str]
"""Exit code, stdout, stderr."""


def _here(arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], _: Script | None) -> Run:
    """Run a command in this process: a fork costs as much as a small command."""
    out, err = io.StringIO(), io.StringIO()
    before, inside = dict(os.environ), Path.cwd()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        with redirect_stdout(out), redirect_stderr(err), hurried():
            code = command(arguments)
    finally:
        os.chdir(inside)
        os.environ.clear()
        os.environ.update(before)
    return code, out.getvalue(), err.getvalue()


def _forked(arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], script: Script | None) -> Run:
    """Run a command in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        outputs = [Path(place, name) for name in ("out", "err")]
        pid = os.fork()
        if not pid:
            _become(arguments, folder, environment, outputs)
        if script:
            script.victim = pid
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out, err = (output.read_text(errors="replace") for output in outputs)
        return code, out, err


def _become(arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], outputs: list[Path]) -> NoReturn:
    code = 70
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number, path in enumerate([Path(os.devnull), *outputs]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0, "r"), os.fdopen(1, "w"), os.fdopen(2, "w")
        with hurried():
            code = command(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def command(arguments: tuple[str, ...]) -> int:
    """Run ldeploy in this thread; return its exit code."""
    try:
        cli.main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("a command ends with an exit code")


@contextmanager
def hurried() -> Iterator[None]:
    """Make the pauses of this thread and of those that work for it short, such as those between two attempts."""
    passing, mine = time.sleep, threading.get_ident()

    def sleep(seconds: float) -> None:
        ours = threading.get_ident() == mine or threading.current_thread().name.startswith(WORKERS)
        passing(min(seconds, 0.002) if ours else seconds)

    setattr(time, "sleep", sleep)  # noqa: B010 - mypy knows it as a function
    try:
        yield
    finally:
        setattr(time, "sleep", passing)  # noqa: B010
