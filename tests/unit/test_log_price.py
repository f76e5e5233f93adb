"""What the log will cost is told before the probe goes in, and is about what the probe then writes."""

from deployer.evidence.log_price import PER_EVENT, log_price
from probe_layer.record import Record, encode

PATHS = [f"package_{n % 40}/subpackage_{n % 7}/_internal/module_{n}.py" for n in range(12_000)]
RECORD = Record("2026-01-01T00:00:00.000Z", "INFO", "5" * 16, 0, "a" * 33, "start", None, 0, ["inotify"], [], {})


def written(record: Record) -> int:
    return sum(len(line) + 1 + PER_EVENT for line in encode(record))


def test_a_sandbox_that_touches_every_file_writes_about_what_was_told() -> None:
    price = log_price(PATHS)
    assert 0.7 * price.cold < written(RECORD._replace(touched={"opened": PATHS})) <= price.cold < 200_000
    assert 0.5 * price.warm < written(RECORD._replace(request="r" * 36, invocations=1)) <= price.warm


def test_it_is_told_in_megabytes_and_by_a_formula() -> None:
    price = log_price(PATHS[:1_000], 0.25)
    told = str(price)
    assert f"at most {1_000 * price.cold * 0.25 / 1e6:,.1f} MB of log for a thousand cold starts" in told
    assert f"cold starts * touched files * {price.cold / 1_000:.0f} bytes" in told
    assert f"warm invocations * {price.warm} bytes * 0.25 of the sandboxes" in told


def test_an_empty_package_has_a_price_too() -> None:
    assert log_price([]).cold > 0
    assert "0 files" in str(log_price([]))
