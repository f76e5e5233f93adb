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
    parser.addoption("--guarded", action="store_true", help="run the guard's whole suite of real wheels: hours")
    parser.addoption("--tools", action="store_true", help="run the recipes of docs/tools, each by its real client")


@pytest.fixture(autouse=True)
def _without_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests look at what is kept; those of the guard ask for it."""
    monkeypatch.setenv("LDEPLOY_GUARD", "off")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a test drew by chance, so that it can be run again (``record_property("told", …)``)."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, value in report.user_properties:
            if name == "told":
                terminalreporter.write_line(f"{value}")


def pytest_configure(config: pytest.Config) -> None:
    """Load the number of examples that property tests try where they do not say it themselves."""
    settings.load_profile("all" if config.getoption("--all") else "often")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is slow, the guard's whole suite, and the deploy tools but their smoke set, unless it is asked for."""
    everything, tools = config.getoption("--all"), config.getoption("--tools")
    for item in items:
        if (slow := item.get_closest_marker("slow")) and not everything:
            item.add_marker(pytest.mark.skip(reason=f"slow ({slow.args[0]}): run scripts/test --all"))
        if item.get_closest_marker("guarded") and not config.getoption("--guarded"):
            item.add_marker(pytest.mark.skip(reason="one of 68 more functions and ways: run scripts/test --guarded"))
        if (tool := item.get_closest_marker("tools")) and not (tools or (everything and tool.kwargs["smoke"])):
            item.add_marker(pytest.mark.skip(reason=f"installs and runs {tool.args[0]}: run scripts/test --tools"))
