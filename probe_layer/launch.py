"""Started in place of the runtime's ``bootstrap.py``: sets the probe up, then becomes ``bootstrap.py``.

    python /opt/ldeploy/probe_layer/launch.py /var/runtime/bootstrap.py ...

Whatever fails here, the runtime starts as if the probe were not there.
"""
# ruff: noqa: PLC0415 - what is imported here would be seen by the function, or may fail

from __future__ import annotations

import os
import sys
from typing import Any

OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The probe's folder: ``/opt/ldeploy``."""
JOURNAL = "LDEPLOY_JOURNAL"
HIDDEN: list[Any] = []
"""The probe's modules, which live on."""
_SETTINGS = ("LDEPLOY_PACKAGE", "LDEPLOY_WRAPPER", "LDEPLOY_SAMPLE", "LDEPLOY_TASK")


def main() -> None:
    """The probe, then the runtime, in one process."""
    restart_with_options()
    path, writes = sys.path[0], sys.dont_write_bytecode
    sys.path[0], sys.dont_write_bytecode = OWN, True
    try:
        start_probe()
    except Exception as error:
        os.write(2, b"ldeploy: the probe could not start: %s\n" % type(error).__name__.encode())
    sys.path[0], sys.dont_write_bytecode = path, writes
    hand_over(sys.argv[1])


def restart_with_options() -> None:
    """Start again with options that the function's wrapper has put before the script: they are the interpreter's.

    AWS's own example of a wrapper does so (``-X importtime`` before the last argument): it takes what stands before
    that for the interpreter alone.
    """
    script = next((place for place, each in enumerate(sys.argv) if place and each.endswith(".py")), 0)
    if script > 1:
        before = getattr(sys, "orig_argv", sys.argv[:1])
        before = before[1 : before.index(sys.argv[0])]
        options = [*before, *sys.argv[1:script]]
        os.execv(sys.executable, [sys.executable, *options, sys.argv[0], *sys.argv[script:]])  # noqa: S606


# -- the probe -----------------------------------------------------------------------------------------------------


def start_probe() -> None:
    """Sets the witnesses to work and the hooks in place."""
    from probe_layer.probe import Probe
    from probe_layer.runtime import ClientHook, Runtime

    shim = find_shim()
    journal = open_journal()
    settings = take_settings()
    roots = os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), settings["LDEPLOY_TASK"]
    probe = Probe(roots, OWN, settings["LDEPLOY_PACKAGE"], read_share(settings["LDEPLOY_SAMPLE"]), journal, shim)
    if shim is None:
        probe.faults.add("shim-missing")
    if journal is None:
        probe.faults.add("journal-missing")
    probe.begin(settings["LDEPLOY_WRAPPER"])
    if shim and not shim.ldeploy_follow():
        probe.faults.add("audit-missing")
    runtime = Runtime(probe)
    runtime.start_thread()
    ClientHook(runtime).install()
    import atexit

    atexit.register(runtime.exiting)
    runtime.watch_forks()
    hide_modules()


def hide_modules() -> None:
    """Take the probe's modules out of sight: what replaces ``os`` or ``time`` in every module must not find them."""
    names = [name for name in sys.modules if name.partition(".")[0] == "probe_layer"]
    HIDDEN.extend(sys.modules.pop(name) for name in names)


def find_shim() -> Any:
    """The shim's functions, where it is loaded and has its journal."""
    import ctypes

    shim = ctypes.PyDLL(None)  # keeps the GIL: each call is shorter than handing it over
    return shim if hasattr(shim, "ldeploy_at_work") and shim.ldeploy_at_work() else None


def open_journal() -> Any:
    """This sandbox's journal. Where another runtime has it (a /tmp that sandboxes share), begins again with its own."""
    from probe_layer.journal import Journal, TakenError

    path = os.environ.get(JOURNAL, "")
    own = "%s-%d" % (path, os.getpid())
    try:
        return Journal(path, os.environ.get("LDEPLOY_PACKAGE", ""))
    except TakenError:
        if not path.endswith("-%d" % os.getpid()):
            os.environ[JOURNAL] = own
            os.close(os.open(own, os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.execv(sys.executable, getattr(sys, "orig_argv", [sys.executable, *sys.argv]))  # noqa: S606
    except OSError:
        pass
    return None


def take_settings() -> dict[str, str]:
    """The probe's variables, taken out of the function's sight.

    What children need to be seen (``LD_PRELOAD``, ``LDEPLOY_JOURNAL``) stays in the process's environment and goes
    from Python's copy only; the shim hands it to programs that are started with an environment of their own.
    """
    settings = {name: os.environ.pop(name, "") for name in _SETTINGS}
    copy = os.environ._data  # type: ignore[attr-defined]
    copy.pop(os.fsencode(JOURNAL), None)
    preload = copy.pop(b"LD_PRELOAD", b"").split(b":", 1)
    if not preload[0].startswith(os.fsencode(OWN) + b"/"):
        copy[b"LD_PRELOAD"] = b":".join(preload)
    elif preload[1:]:
        copy[b"LD_PRELOAD"] = preload[1]
    return settings


def read_share(text: str) -> float:
    """The share of sandboxes that report; all where it is not to be read."""
    from probe_layer.record import SMALLEST_SHARE

    try:
        share = float(text or 1)
    except ValueError:
        return 1.0
    return max(share, SMALLEST_SHARE) if 0 < share <= 1 else 1.0


# -- the runtime ---------------------------------------------------------------------------------------------------


def hand_over(script: str) -> None:
    """Runs the script as if Python had been started on it."""
    import builtins
    from importlib.machinery import SourceFileLoader

    main_module = type(sys)("__main__")
    main_module.__dict__.update(__builtins__=builtins, __file__=script, __loader__=SourceFileLoader("__main__", script))
    absent: dict[str, Any] = {"__annotations__": {}, "__cached__": None}  # from Python 3.14 and 3.15
    main_module.__dict__.update((name, value) for name, value in absent.items() if name in globals())
    sys.modules["__main__"] = main_module
    del sys.argv[0]
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    for place in [place for place in sys.path_importer_cache if place.startswith(OWN)]:
        del sys.path_importer_cache[place]
    arguments = getattr(sys, "orig_argv", [])
    if __file__ in arguments:
        arguments.remove(__file__)
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec", dont_inherit=True)
    exec(code, main_module.__dict__)  # noqa: S102


if __name__ == "__main__":
    main()
