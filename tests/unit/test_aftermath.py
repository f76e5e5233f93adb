"""What a log tells after a shrink: invocations, errors, time-outs, cold starts, and what was missing."""

import json

import pytest

from deployer.evidence.invocations import Invocation, Status, is_error, median_start, read_report, timed_out
from deployer.evidence.misses import Miss, aftermath, module_of
from probe_layer.guard.line import MARK

TEXT = (
    "REPORT RequestId: 8f5-1\tDuration: 1.25 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t"
)
COLD = TEXT + "Init Duration: 460.12 ms\t\n"
JSON = {"time": "2026-11-25T10:00:00.000Z", "type": "platform.report"}


def as_json(status="success", **metrics):
    """A REPORT line of a function that logs JSON."""
    return json.dumps({**JSON, "record": {"requestId": "8f5-1", "metrics": metrics, "status": status}})


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (TEXT, Invocation("8f5-1", Status.SUCCESS, None, 1.25, 30.0)),
        (COLD, Invocation("8f5-1", Status.SUCCESS, 460.12, 1.25, 30.0)),
        (TEXT + "Status: timeout", Invocation("8f5-1", Status.TIMEOUT, None, 1.25, 30.0)),
        (TEXT + "Status: error\tError Type: Runtime.ExitError", Invocation("8f5-1", Status.ERROR, None, 1.25, 30.0)),
        (
            as_json(durationMs=1.2, initDurationMs=310, maxMemoryUsedMB=30),
            Invocation("8f5-1", Status.SUCCESS, 310.0, 1.2, 30.0),
        ),
        (as_json("failure"), Invocation("8f5-1", Status.ERROR)),
        ("the user printed REPORT RequestId: 8f5-1 here", None),
        ("INIT_REPORT Init Duration: 10009.61 ms\tPhase: init\tStatus: timeout", None),
        ('{"type":"platform.report"}', None),
        ('{"type":"platform.report","record":{"metrics":[]}}', Invocation("", Status.SUCCESS)),
        ("{broken", None),
        ("[1]", None),
        ("", None),
    ],
)
def test_report_lines_as_text_and_as_json(message, found):
    assert read_report(message) == found


def test_the_median_of_cold_starts():
    lines = [TEXT, COLD, as_json(initDurationMs=1000), as_json(initDurationMs=500), "other"]
    assert median_start(lines) == 500
    assert median_start([TEXT]) is None


def test_errors_and_time_outs_of_both_kinds_of_log():
    assert is_error("[ERROR] ModuleNotFoundError: No module named 'x'\rTraceback (most recent call last):\r")
    assert is_error("[ERROR]\t2026-11-25T10:00:00.000Z\t8f5-1\tcould not\nTraceback (most recent call last):")
    assert is_error('{"timestamp":"…","level":"ERROR","errorType":"KeyError","errorMessage":"x"}')
    assert not is_error("all is well")
    assert not is_error(as_json("error"))
    assert timed_out("2026-11-25T10:00:00.000Z 8f5-1 Task timed out after 3.00 seconds\n\n") == "8f5-1"


DROPPED = (
    "lazy.py",
    "pandas/io/excel.py",
    "pandas/io/__init__.py",
    "numpy/fft/_pocket.cpython-311-x86_64-linux-gnu.so",
    "numpy.libs/libgfortran-040039e1.so.5.0.0",
    "data/never.bin",
    "geo/share/proj.db",
)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("[ERROR] ModuleNotFoundError: No module named 'lazy'", "lazy.py"),
        ("Unable to import module 'app': No module named 'pandas.io.excel'", "pandas/io/excel.py"),
        ("[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'pandas.io'", DROPPED[2]),
        ("ImportError: No module named 'numpy.fft._pocket'", DROPPED[3]),
        ("ModuleNotFoundError: No module named 'geo.share'", DROPPED[6]),
        ("OSError: libgfortran-040039e1.so.5.0.0: cannot open shared object file: No such file", DROPPED[4]),
        ("[ERROR] FileNotFoundError: [Errno 2] No such file or directory: '/var/task/data/never.bin'", DROPPED[5]),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'data/never.bin'", DROPPED[5]),
        ("FileNotFoundError: [Errno 2] No such file or directory: './geo/share'", DROPPED[6]),
        ('{"level":"ERROR","errorMessage":"No module named \'lazy\'","errorType":"ModuleNotFoundError"}', "lazy.py"),
    ],
)
def test_a_line_that_names_something_dropped_is_a_miss(message, path):
    assert aftermath([message], DROPPED).misses == (Miss(path, 1, served=False),)


@pytest.mark.parametrize(
    "message",
    [
        "No module named 'never_there'",
        "[Errno 2] No such file or directory: '/tmp/data/other.bin'",
        "libother.so.1: cannot open shared object file",
        '{"record":"ldeploy-guard/1","fault":"closed"}',
        '{"record":"ldeploy-guard/1","miss":',
    ],
)
def test_what_was_never_in_the_package_is_none(message):
    assert aftermath([message], DROPPED).misses == ()


def guard_line(path, how):
    """A line of the guard's."""
    plain = {"timestamp": "2026-11-25T10:00:00.000Z", "package": "a" * 16, "sandbox": "5" * 16}
    return json.dumps({"record": MARK, **plain, "miss": path, "ask": "open", "how": how}, separators=(",", ":"))


def test_what_the_guard_served_is_told_from_what_it_could_not():
    lines = [
        f"2026 {guard_line('lazy.py', 'fetched')}",
        guard_line("lazy.py", "pool"),
        guard_line(DROPPED[5], "not-served"),
    ]
    assert aftermath(lines, DROPPED).misses == (Miss("lazy.py", 2, served=True), Miss(DROPPED[5], 1, served=False))


def test_all_of_it_is_counted_once():
    lines = [
        COLD,
        TEXT,
        TEXT + "Status: timeout",
        "2026-11-25T10:00:00.000Z 8f5-1 Task timed out after 3.00 seconds",
        "[ERROR] ModuleNotFoundError: No module named 'lazy'",
        TEXT,
        "a line of the function's own",
    ]
    found = aftermath(lines, DROPPED)
    assert (found.invocations, found.errors, found.timeouts) == (4, 1, 1)
    assert (found.starts, found.init_ms) == (1, 460.12)


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a/b.py", "a.b"),
        ("a/__init__.py", "a"),
        ("a/b.cpython-311-x86_64-linux-gnu.so", "a.b"),
        ("a/b.abi3.so", "a.b"),
        ("a.pyc", "a"),
        ("a/__pycache__/b.cpython-311.pyc", ""),
        ("a/data.json", ""),
        (".so", ""),
    ],
)
def test_the_module_of_a_file(path, module):
    assert module_of(path) == module
