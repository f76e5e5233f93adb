"""What all tests share: a machine that is busy is no failure, and what is slow runs when it is asked for."""

import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("often", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("all", settings.get_profile("often"), max_examples=500)
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a script's background


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--all``, which scripts/test passes on."""
    parser.addoption("--all", action="store_true", help="run the tests marked as slow too, and more examples each")


@pytest.fixture(autouse=True)
def _without_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests look at what is kept; those of the guard ask for it."""
    monkeypatch.setenv("LDEPLOY_GUARD", "off")


def pytest_configure(config: pytest.Config) -> None:
    """Load the number of examples that property tests try where they do not say it themselves."""
    settings.load_profile("all" if config.getoption("--all") else "often")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is slow, unless it is asked for."""
    if config.getoption("--all"):
        return
    for item in items:
        if slow := item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason=f"slow ({slow.args[0]}): run scripts/test --all"))
