"""What all tests share: a machine that is busy is no failure."""

import signal

import pytest
from hypothesis import settings

from tests.functional.witnesses import COUNTED

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a script's background


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much each witness has of what strace saw (in a run of one process)."""
    if COUNTED:
        terminalreporter.write_line(", ".join(f"{name} {number}" for name, number in COUNTED.items()))
