"""What unpacking needs of a function's configuration, and what no function can be given."""

import pytest

from deployer.deploy.stub import grown
from deployer.errors import OverLimitError
from deployer.models.function import Configuration
from deployer.models.package import Entry, Kind, Package

BARE = Configuration("python3.11", "app.handler", "arn:aws:iam::123456789012:role/r", timeout=7)
GB = 1_000_000_000


def package(**sizes: int) -> Package:
    """One file of each name and size, in bytes."""
    entries = {path: Entry(path, Kind.FILE, size, size, 0, 0o644, 0, 0) for path, size in sizes.items()}
    return Package(entries, sum(sizes.values()), "identity")


def test_room_time_and_a_processor_are_made_for_it() -> None:
    found = grown(BARE, BARE, package(app=1, heavy=2 * GB), None, None)
    assert (found.storage, found.timeout, found.memory) == (512 + 1907 + 1 + 18, 7 + 10 + 80, 1769)


def test_what_the_user_asks_for_is_what_it_gets() -> None:
    found = grown(BARE, BARE, package(heavy=2 * GB), 3008, 900)
    assert (found.timeout, found.memory) == (900, 3008)


def test_it_is_never_over_what_lambda_gives() -> None:
    found = grown(BARE, BARE, package(heavy=int(10.6 * GB)), None, None)
    assert (found.storage, found.timeout) == (10240, 7 + 10 + 424)


def test_a_package_over_10_gb_names_what_weighs_most() -> None:
    with pytest.raises(OverLimitError) as error:
        grown(BARE, BARE, package(app=1, heavy=8 * GB, light=3 * GB), None, None)
    assert error.value.exit_code == 3
    assert "10,240" in str(error.value)
    assert "heavy 8000.0 MB, light 3000.0 MB" in str(error.value)
