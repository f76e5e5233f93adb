"""What the function does with signals, stacks, forks and patched modules is the same with the probe in."""

import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.add("data.txt", "x")
    return host


def test_a_signal_that_the_function_waits_for_comes_to_it(host: Host) -> None:
    host.add("app.py", dedent("""
        import os, signal, time
        def handler(event, context):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
            time.sleep(0.2)  # the probe's thread is at its work
            os.kill(os.getpid(), signal.SIGUSR1)
            return signal.sigtimedwait({signal.SIGUSR1}, 5).si_signo == signal.SIGUSR1
    """))  # fmt: skip
    assert host.run([1, 2]).answers == [True, True]


def test_no_exception_of_a_signal_handler_is_lost(host: Host) -> None:
    host.add("app.py", dedent("""
        import os, signal
        def late(number, frame):
            raise TimeoutError
        def handler(event, context):
            signal.signal(signal.SIGALRM, late)
            caught = 0
            for number in range(300):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.001)
                    while True:
                        os.listdir(".")
                        open("data.txt").close()
                except TimeoutError:
                    caught += 1
            return caught
    """))  # fmt: skip
    assert host.run().answers == [300]


def test_what_a_signal_handler_raises_at_the_probes_turn_goes_on(host: Host) -> None:
    """The runtime meets it, as it would without the probe; only what the probe itself gets wrong is kept from it."""
    code = dedent("""
        import sys
        sys.path.insert(0, sys.argv[1])
        from _thread import allocate_lock
        import os
        from probe_layer.guarding import guarded
        def handler():
            raise TimeoutError
        class Turn:
            faults, _pid, _lock = set(), os.getpid(), allocate_lock()
            def _mute(self, on): pass
            @guarded
            def of_the_function(self): handler()
        try:
            Turn().of_the_function()
        except TimeoutError:
            print("raised", Turn.faults, Turn._lock.locked())
    """)  # fmt: skip
    command = [sys.executable, "-c", code, str(host.opt / "ldeploy")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "raised set() False\n"


SMALL = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void late(int number) {
    close(open("data.txt", O_RDONLY));
    close(openat(AT_FDCWD, "./data.txt", O_RDONLY));
}
static void *spawn(void *nothing) {
    pid_t child;
    int status;
    char *arguments[] = {"true", NULL};
    if (posix_spawnp(&child, "true", 0, 0, arguments, environ)) return arguments;
    return waitpid(child, &status, 0) == child ? NULL : arguments;
}
int main(void) {
    struct sigaction action = {.sa_handler = late, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_size = 8192, .ss_sp = malloc(8192)};
    pthread_attr_t small;
    pthread_t thread;
    void *failed;
    sigaltstack(&stack, 0);
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    pthread_attr_init(&small);
    if (pthread_attr_setstacksize(&small, 16384) || pthread_create(&thread, &small, spawn, 0)) return 2;
    pthread_join(thread, &failed);
    return !!failed;
}
"""


def test_little_stack_is_enough(host: Host) -> None:
    """A handler on a stack of 8 KB, a program started by a thread of 16 KB: the least that there is."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is installed")
    (host.tmp / "x.c").write_text(SMALL)
    subprocess.run(["cc", "-o", host.task / "small", host.tmp / "x.c", "-pthread"], check=True)
    host.add("app.py", "import subprocess\ndef handler(e, c): return subprocess.run(['./small']).returncode")
    run = host.run()
    assert run.answers == [0]
    assert "data.txt" in run.touched("opened")


def test_after_a_fork_the_kernels_queue_is_emptied_again(host: Host) -> None:
    """More opens than it holds, with a look at it in between."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    host.add("other.txt", "x")
    host.add("app.py", dedent("""
        import ctypes, os, time
        libc = ctypes.CDLL(None)
        def handler(event, context):
            if not os.fork():
                os._exit(0)
            os.wait()
            for turn in range(2):
                for number in range(event * 3 // 4):
                    libc.close(libc.open((b"data.txt", b"other.txt")[number % 2], 0))
                time.sleep(0.5)
    """))  # fmt: skip
    assert host.run([limit]).faults == set()


def test_a_module_whose_functions_are_replaced(host: Host) -> None:
    """As eventlet, freezegun and pyfakefs do: in the module, and in every module that has taken them from there."""
    host.add("app.py", dedent("""
        import json, os, sys, time
        def no(*arguments, **names):
            raise RuntimeError("replaced")
        REPLACED = [(os, "read write getpid stat lstat readlink fstat close scandir listdir urandom"),
                    (time, "time sleep gmtime strftime monotonic"), (json, "dumps loads")]
        def replace():
            kept = []
            for module, names in REPLACED:
                for name in names.split():
                    original = getattr(module, name)
                    for each in [*sys.modules.values()]:
                        for key, value in [*vars(each).items()] if each.__name__.startswith("probe_layer") else ():
                            if value is original:
                                setattr(each, key, no)
                    kept.append((module, name, original))
                    setattr(module, name, no)
            return kept
        def handler(event, context):
            if event == "replace":
                handler.kept = replace()
                open("data.txt").close()
                for module, name, original in handler.kept:  # the runtime needs json
                    if module is json:
                        setattr(module, name, original)
    """))  # fmt: skip
    run = host.run(["replace", "go on"])
    assert run.answers == [None, None]
    assert not run.faults
    assert "data.txt" in run.touched("opened")
    assert [record.phase for record in run.records] == ["start", "invoke", "invoke"]
