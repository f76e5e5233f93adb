"""What all tests share: a machine that is busy is no failure."""

import signal

import pytest
from hypothesis import settings

from tests.functional.local_aws import cloud
from tests.functional.project import FILES, Project, events, write
from tests.functional.witnesses import COUNTED

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a script's background


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    """A user in an empty account with one bucket."""
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
    """How much each witness has of what strace saw (in a run of one process)."""
    if COUNTED:
        terminalreporter.write_line(", ".join(f"{name} {number}" for name, number in COUNTED.items()))
