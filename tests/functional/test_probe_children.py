"""Whatever a child is and however it is started: what it touches is seen, or a fault says that it may not be."""

import os
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host, Run

LOOK = """
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char **arguments) {
    char room[512];
    return !!syscall(SYS_statx, AT_FDCWD, arguments[1], 0, 0x7ff, room);
}
"""
NUMBERED = """
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char **arguments) {
    char *none[] = {NULL}, *stat[] = {"stat", arguments[1], NULL};
    return syscall(SYS_execve, "/usr/bin/stat", stat, none);
}
"""
STATIC = """
#include <sys/stat.h>
int main(int count, char **arguments) { struct stat found; return stat("themes/b.css", &found); }
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    for name in ("data/x.txt", "themes/a.css", "themes/b.css", "unused.txt"):
        host.add(name, "x")
    return host


def compiled(host: Host, path: str, source: str, *arguments: str) -> None:
    """A program of the package."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is installed")
    (host.tmp / "x.c").write_text(source)
    (host.task / path).parent.mkdir(exist_ok=True)
    subprocess.run(["cc", "-o", host.task / path, host.tmp / "x.c", *arguments], check=True)


def run(host: Host, body: str) -> Run:
    """One invocation of a handler, and one more in which what came late is told."""
    host.add("app.py", "import os, subprocess, sys\ndef handler(event, context):\n    if event:\n        return\n")
    with (host.task / "app.py").open("a") as file:
        file.write("".join(f"    {line}\n" for line in dedent(body).strip().splitlines()))
    done = host.run([0, 1])
    assert not [answer for answer in done.answers if isinstance(answer, dict)], done.answers
    return done


@pytest.mark.parametrize(
    "start",
    [
        'subprocess.run(["/usr/bin/env", "-i", "/usr/bin/stat", "data/x.txt"], check=True)',
        'os.environ["LD_PRELOAD"] = "/nowhere.so"; subprocess.run(["/usr/bin/stat", "data/x.txt"], check=True)',
        'os.environ["LD_PRELOAD"] = "/nowhere.so"; os.system("/usr/bin/stat data/x.txt")',
        'os.environ["LD_PRELOAD"] = "/nowhere.so"; os.popen("/usr/bin/stat data/x.txt").read()',
        'os.environ.clear(); os.spawnv(os.P_WAIT, "/usr/bin/stat", ["stat", "data/x.txt"])',
    ],
)
def test_a_child_that_was_given_another_environment(host: Host, start: str) -> None:
    done = run(host, start)
    assert "data/x.txt" in done.touched("looked")
    assert not done.faults


def test_a_folder_that_a_child_lists_is_browsed(host: Host) -> None:
    done = run(host, 'subprocess.run(["/bin/ls", "themes"], check=True)')
    assert "themes" in done.touched("browsed")
    assert not done.faults


def test_the_packages_root_that_a_child_lists_is_browsed(host: Host) -> None:
    assert "" in run(host, 'subprocess.run(["/bin/ls"], check=True)').touched("browsed")


def test_a_folder_that_the_c_library_lists_within_itself_is_browsed(host: Host) -> None:
    """``glob`` opens it by a call that no shim hears of: the kernel does."""
    compiled(host, "bin/glob", '#include <glob.h>\nint main(void) { glob_t g; return glob("themes/*.css", 0, 0, &g); }')
    done = run(host, 'subprocess.run(["bin/glob"], check=True)')
    assert "themes" in done.touched("browsed")


def test_what_a_python_child_imports_is_not_browsed(host: Host) -> None:
    """Its import system lists folders as the runtime's does; what its code lists, it browses."""
    host.add("package/__init__.py")
    host.add("package/inner.py")
    host.add("child.py", "import os, package.inner\nos.listdir('themes')")
    done = run(host, 'subprocess.run([sys.executable, "child.py"], env={}, check=True)')
    assert "package/inner.py" in done.touched("opened")
    assert done.touched("browsed") == {"themes"}
    asked = {path: module for record in done.records for module, paths in record.imported.items() for path in paths}
    assert asked["package/__init__.py"] == asked["themes"] == "__main__"


def test_a_child_that_makes_its_system_calls_by_number(host: Host) -> None:
    compiled(host, "bin/look", LOOK)
    done = run(host, 'subprocess.run(["bin/look", "data/x.txt"], check=True)')
    assert "data/x.txt" in done.touched("looked")
    assert not done.faults


def test_a_program_that_is_started_by_its_system_calls_number(host: Host) -> None:
    compiled(host, "bin/start", NUMBERED)
    done = run(host, 'subprocess.run(["bin/start", "data/x.txt"], check=True)')
    assert "data/x.txt" in done.touched("looked")
    assert not done.faults


def test_node(host: Host) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    host.add("app.js", "const fs = require('fs'); fs.statSync('data/x.txt'); fs.readdirSync('themes')")
    done = run(host, 'subprocess.run(["node", "app.js"], check=True)')
    assert "data/x.txt" in done.touched("looked")
    assert "themes" in done.touched("browsed")


def test_around_a_static_program_everything_counts_as_browsed(host: Host) -> None:
    compiled(host, "bin/static", STATIC, "-static")
    host.add("bin/beside.txt", "x")
    done = run(host, 'subprocess.run(["../bin/static", "--file=../data/x.txt"], cwd="themes"); os.chdir("..")')
    assert {"bin", "data"} <= done.touched("browsed")
    assert done.faults == {"shim-static"}


def test_a_copy_of_a_static_program_that_works_on_the_package(host: Host) -> None:
    compiled(host, "bin/static", STATIC, "-static")
    copy = host.tmp / "static"
    done = run(host, f"""
        import shutil
        shutil.copy("bin/static", "{copy}")
        subprocess.run(["{copy}", "themes/a.css"])
    """)  # fmt: skip
    assert "themes" in done.touched("browsed")
    assert done.faults == {"shim-static"}


def test_a_static_program_of_the_system_that_leaves_the_package_alone_is_no_fault(host: Host) -> None:
    if not Path("/sbin/ldconfig").exists():
        pytest.skip("there is no ldconfig")
    done = run(host, 'subprocess.run(["/sbin/ldconfig", "-p"], check=True, stdout=subprocess.DEVNULL)')
    assert not done.faults


def test_a_preload_of_the_functions_own_is_not_forced_on_children(host: Host) -> None:
    compiled(host, "own.so", "int of_the_functions_own;", "-shared")
    host.add("app.py", dedent("""
        import subprocess
        def handler(event, context):
            return subprocess.run(["/usr/bin/env"], env={}, capture_output=True, text=True).stdout.split()
    """))  # fmt: skip
    done = host.run(environment={"LD_PRELOAD": f"{host.task}/own.so"})
    (preload,) = [line for line in done.answers[0] if line.startswith("LD_PRELOAD=")]
    assert preload == f"LD_PRELOAD={host.opt}/ldeploy/shim/{os.uname().machine}.so"


def test_the_shim_asks_for_no_library_and_for_no_version(host: Host) -> None:
    """A program may bring its own C library: a preloaded library whose dependency is missing ends it."""
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not installed")
    for machine in ("x86_64", "aarch64"):
        shim = host.opt / "ldeploy/shim" / f"{machine}.so"
        said = subprocess.run(["readelf", "-dW", shim], capture_output=True, text=True, check=True).stdout
        assert "(NEEDED)" not in said
        assert "VERNEED" not in said


def test_a_child_after_tmp_was_emptied(host: Host) -> None:
    done = run(host, f"""
        for name in os.listdir("{host.tmp}"):
            os.remove(os.path.join("{host.tmp}", name))
        subprocess.run(["/usr/bin/stat", "data/x.txt"], check=True)
    """)  # fmt: skip
    assert "data/x.txt" in done.touched("looked")
    assert done.faults == {"journal-removed"}


def test_tmp_emptied_at_every_invocation(host: Host) -> None:
    for number in range(4):
        host.add(f"data/{number}.txt", "x")
    host.add("app.py", dedent(f"""
        import os, subprocess
        def handler(event, context):
            for name in os.listdir("{host.tmp}"):
                os.remove(os.path.join("{host.tmp}", name))
            if event % 2:
                os.stat(f"data/{{event}}.txt")
            else:
                subprocess.run(["/usr/bin/stat", f"data/{{event}}.txt"], check=True)
    """))  # fmt: skip
    done = host.run([0, 1, 2, 3])
    assert {f"data/{number}.txt" for number in range(4)} <= done.touched("looked")
    assert len({record.sandbox for record in done.records}) == 1
    assert [record.line for record in done.records] == list(range(len(done.records)))
