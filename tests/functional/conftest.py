"""A user in an empty account of the embedded AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.descriptions import read_once
from tests.functional.local_aws import cloud
from tests.functional.project import FILES, Project, events, write
from tests.functional.witnesses import COUNTED

read_once()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Project]:
    """Yield a user in an empty account with one bucket."""
    with cloud(settle=0) as here:
        for name, value in here.aws.environment({}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        here.storage.create_bucket(Bucket="packages")
        write(tmp_path / "build", FILES)
        events(tmp_path / "events", open={}, lazy={"do": "lazy"}, look={"do": "look"})
        here.aws.faults.forget()
        yield Project(here, tmp_path, capsys)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much each witness has of what strace saw (in a run of one process)."""
    if COUNTED:
        terminalreporter.write_line(", ".join(f"{name} {number}" for name, number in COUNTED.items()))
