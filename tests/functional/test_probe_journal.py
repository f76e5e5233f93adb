"""The journal holds every path that any process noted, whatever happens to its writers."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe_layer.journal import DATA, Journal

SHIM = Path(__file__).parents[2] / "probe_layer" / "shim" / f"{os.uname().machine}.so"
segments = st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & {0, 47} and name not in {b".", b".."})


@dataclass
class Noted:
    """A journal with a writer, the shim's, and a reader."""

    shim: Any
    journal: Journal
    root: bytes

    def note(self, kind: str, path: bytes) -> list[tuple[str, bytes]]:
        self.shim.ldeploy_note(ord(kind), path)
        return self.read()

    def read(self) -> list[tuple[str, bytes]]:
        """What was noted of the package; this process, a Python that is not the runtime's, is followed as well."""
        return [(entry.letter, entry.path) for entry in self.journal.read() if b"var/task" in entry.path]


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Noted]:
    folder = tmp_path_factory.mktemp("journal")
    with pytest.MonkeyPatch.context() as environment:
        (folder / "journal").touch()
        environment.setenv("LDEPLOY_JOURNAL", str(folder / "journal"))
        environment.setenv("LAMBDA_TASK_ROOT", "/var/task")
        shim = ctypes.CDLL(str(SHIM))
        yield Noted(shim, Journal(str(folder / "journal"), "a" * 16), b"/var/task")


@given(st.lists(segments, min_size=1, max_size=20), st.sampled_from("oldx"))
def test_any_name_is_noted_once(noted: Noted, names: list[bytes], kind: str) -> None:
    path = b"/".join([noted.root, *names])
    first, second = noted.note(kind, path), noted.note(kind, path)
    assert first in ([(kind, path)], [])
    assert second == []
    noted.journal._position = 0
    assert noted.read().count((kind, path)) == 1


def test_a_path_is_noted_without_what_means_nothing(noted: Noted) -> None:
    assert noted.note("o", b"//var/./task//a/./b/") == [("o", b"/var/task/a/b")]
    assert noted.note("o", b"/var/task/a/../c") == [("o", b"/var/task/a/../c")]
    assert noted.note("o", b"/usr/../var/task/d") == [("o", b"/usr/../var/task/d")]


@pytest.mark.parametrize(
    "path", [b"/var/tasks/x", b"/var/task", b"/var/task/../x", b"/etc/passwd", b"", b"/" + b"x" * 5000]
)
def test_what_is_not_below_a_root_is_not_noted(noted: Noted, path: bytes) -> None:
    assert noted.note("o", path) == []


def test_an_entry_that_was_never_finished_is_waited_for_and_then_passed_over(noted: Noted) -> None:
    killed = b"/var/task/killed/while/it/was/written"
    noted.note("l", killed)
    start = noted.journal._position
    noted.shim.ldeploy_note(ord("o"), killed)
    head = noted.journal._map[DATA + start : DATA + start + 8]
    noted.journal._map[DATA + start : DATA + start + 8] = bytes(8)
    behind = ("o", b"/var/task/behind")
    assert noted.note("o", behind[1]) == [behind]
    noted.journal._map[DATA + start : DATA + start + 8] = head
    assert noted.read() == [("o", killed), behind]


def test_a_reader_does_not_wait_for_ever(noted: Noted) -> None:
    noted.note("l", b"/var/task/never/finished")
    start = noted.journal._position
    noted.shim.ldeploy_note(ord("o"), b"/var/task/never/finished")
    noted.journal._map[DATA + start : DATA + start + 8] = bytes(8)
    for _ in range(3):
        assert noted.read() == []
    assert noted.journal._position > start
    assert noted.note("o", b"/var/task/after") == [("o", b"/var/task/after")]


WRITER = """
import os, sys
for number in range(400):
    os.access("/%s/%s/%d" % (sys.argv[1].strip("/"), sys.argv[2] if number % 2 else "shared", number), 0)
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    names = ["shared", *map(str, range(6))]
    for name in names:
        (tmp_path / name).mkdir()
        for number in range(400):
            (tmp_path / name / str(number)).touch()
    journal = tmp_path / "journal"
    journal.touch()
    environment = {"LD_PRELOAD": str(SHIM), "LDEPLOY_JOURNAL": str(journal), "LAMBDA_TASK_ROOT": str(tmp_path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], env=environment) for name in names[1:]
    ]
    assert [writer.wait() for writer in writers] == [0] * 6
    found = [entry.path for entry in Journal(str(journal), "a" * 16).read() if entry.letter == "l"]
    wanted = {f"{tmp_path}/{name}/{number}".encode() for name in names[1:] for number in range(1, 400, 2)}
    wanted |= {f"{tmp_path}/shared/{number}".encode() for number in range(0, 400, 2)}
    assert set(found) >= wanted


FILLER = """
import ctypes, sys
shim = ctypes.CDLL(sys.argv[1])
for number in range(90_000):
    shim.ldeploy_note(111, b"/var/task/" + b"x" * 80 + b"%d" % number)
print(shim.ldeploy_at_work())
"""


def test_a_journal_without_room_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    environment = {"LDEPLOY_JOURNAL": str(tmp_path / "journal"), "LAMBDA_TASK_ROOT": "/var/task"}
    command = [sys.executable, "-c", FILLER, str(SHIM)]
    assert subprocess.run(command, env=environment, check=True, capture_output=True).stdout == b"1\n"
    journal = Journal(str(tmp_path / "journal"), "a" * 16)
    assert journal.full
    assert len(journal.read()) > 30_000
