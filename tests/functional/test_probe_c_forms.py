"""Every form of the C library's calls is noted, from a program of the package; strace is the judge."""

import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host, strace, witnessed

pytestmark = [
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is installed"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

HEAD = """
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
extern char **environ;
"""

CALLS = {
    "stat": "struct stat s; ok = !stat(path, &s) && s.st_size == 1;",
    "stat64": "struct stat64 s; ok = !stat64(path, &s) && s.st_size == 1;",
    "lstat": "struct stat s; ok = !lstat(path, &s) && s.st_size == 1;",
    "fstatat": "struct stat s; ok = !fstatat(AT_FDCWD, path, &s, 0) && s.st_size == 1;",
    "statx": "struct statx s; ok = !statx(AT_FDCWD, path, 0, STATX_SIZE, &s) && s.stx_size == 1;",
    "__xstat": 'struct stat s; int (*f)(int, char *, void *) = dlsym(RTLD_DEFAULT, "__xstat"); '
    "ok = !f(1, path, &s) && s.st_size == 1;",
    "__lxstat64": 'struct stat s; int (*f)(int, char *, void *) = dlsym(RTLD_DEFAULT, "__lxstat64"); '
    "ok = !f(1, path, &s) && s.st_size == 1;",
    "__fxstatat": 'struct stat s; int (*f)(int, int, char *, void *, int) = dlsym(RTLD_DEFAULT, "__fxstatat"); '
    "ok = !f(1, AT_FDCWD, path, &s, 0) && s.st_size == 1;",
    "access": "ok = !access(path, R_OK);",
    "eaccess": "ok = !eaccess(path, R_OK);",
    "faccessat": "ok = !faccessat(AT_FDCWD, path, R_OK, AT_EACCESS);",
    "realpath": "char *r = realpath(path, NULL); ok = r && strstr(r, path);",
    "canonicalize_file_name": "char *r = canonicalize_file_name(path); ok = r && strstr(r, path);",
    "statfs": "struct statfs s; ok = !statfs(path, &s);",
    "statvfs": "struct statvfs s; ok = !statvfs(path, &s);",
    "listxattr": "ok = listxattr(path, NULL, 0) >= 0 || errno == ENOTSUP || !access(path, 0);",
    "open": "ok = open(path, O_RDONLY) >= 0;",
    "open64": "ok = open64(path, O_RDONLY) >= 0;",
    "open_mode": "ok = open(path, O_RDWR | O_CREAT, 0640) >= 0;",
    "openat": "ok = openat(AT_FDCWD, path, O_RDONLY) >= 0;",
    "openat64": "ok = openat64(AT_FDCWD, path, O_RDONLY) >= 0;",
    "__open_2": 'int (*f)(char *, int) = dlsym(RTLD_DEFAULT, "__open_2"); ok = f(path, 0) >= 0;',
    "__openat64_2": 'int (*f)(int, char *, int) = dlsym(RTLD_DEFAULT, "__openat64_2"); ok = f(AT_FDCWD, path, 0) >= 0;',
    "fopen": 'ok = !!fopen(path, "r");',
    "fopen64": 'ok = !!fopen64(path, "r");',
    "freopen": 'ok = !!freopen(path, "r", stdin);',
    "dirfd": 'int d = open("data", O_PATH | O_DIRECTORY); ok = openat(d, path + 5, O_RDONLY) >= 0;',
}

STARTS = {
    "execl": 'execl(path, path, "one", (char *)0);',
    "execle": 'execle(path, path, "one", (char *)0, (char *[]){"A=B", 0});',
    "execlp": 'execlp(path, path, "one", (char *)0);',
    "execv": 'execv(path, (char *[]){path, "one", 0});',
    "execve": 'execve(path, (char *[]){path, "one", 0}, (char *[]){"LD_PRELOAD=/nowhere.so", 0});',
    "execvp": 'setenv("PATH", "/nowhere:data", 1); execvp(path + 5, (char *[]){path, "one", 0});',
    "execvpe": 'execvpe(path, (char *[]){path, "one", 0}, environ);',
    "fexecve": 'fexecve(open(path, O_RDONLY), (char *[]){path, "one", 0}, (char *[]){0});',
    "posix_spawn": 'pid_t p; int s; exit(posix_spawn(&p, path, 0, 0, (char *[]){path, "one", 0}, (char *[]){0}) '
    "|| waitpid(p, &s, 0) != p || s);",
    "system": "exit(!!system(path));",
    "popen": 'exit(!!pclose(popen(path, "w")));',
}


def program(host: Host) -> None:
    """A C program of the package that makes each call on a file of its own, and says which went wrong."""
    lines = [HEAD, "int main(void) {", "int ok;", "char *path;"]
    for name, call in CALLS.items():
        host.add(f"data/{name}", "x")
        lines.append(f'{{ path = "data/{name}"; {call} if (!ok) puts(path); }}')
    for name, call in STARTS.items():
        host.add(f"data/{name}", f'#!/bin/sh\n[ -e "data/by-{name}" ]\n', 0o755)
        host.add(f"data/by-{name}", "x")
        lines.append(f'{{ path = "data/{name}"; int s; fflush(stdout); if (!fork()) {{ {call} _exit(9); }}')
        lines.append("wait(&s); if (s) puts(path); }")
    source = host.tmp / "program.c"
    source.write_text("\n".join([*lines, "return 0; }"]))
    subprocess.run(["cc", "-w", "-o", host.task / "program", source, "-ldl"], check=True)


def test_every_call_does_what_it_did_and_is_noted(tmp_path: Path) -> None:
    host = Host(tmp_path)
    program(host)
    host.add("app.py", dedent("""
        import os, subprocess
        def handler(event, context):
            return subprocess.run([os.path.abspath("program")], capture_output=True, text=True, check=True).stdout
    """))  # fmt: skip
    run = host.run(prefix=strace(tmp_path / "traces"))
    assert run.answers == [""]
    assert witnessed(tmp_path / "traces", host.task) - run.touched() == set()
    assert {f"data/by-{name}" for name in STARTS} <= run.touched("looked")
    assert {f"data/{name}" for name in CALLS} <= run.touched()
    assert {f"data/{name}" for name in STARTS} <= run.touched("executed", "opened")
