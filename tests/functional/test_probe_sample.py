"""A share of the sandboxes reports; in the others there is no probe."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host

LOOK = """
    import os, sys
    def handler(event, context):
        maps = open("/proc/self/maps").read()
        names = [name for name in os.environ if "LDEPLOY" in name or "PRELOAD" in name]
        return [names, "probe_layer.probe" in sys.modules, "/ldeploy/shim/" in maps]
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.add("app.py", dedent(LOOK))
    return host


def sampled(host: Host, share: str) -> bool:
    """Whether a new sandbox reports."""
    for file in host.tmp.glob(".ldeploy*"):
        file.unlink()
    run = host.run(environment={"LDEPLOY_SAMPLE": share})
    assert not run.errors
    assert len(run.answers) == 1
    return bool(run.records)


def test_a_sandbox_that_does_not_report_has_nothing_of_the_probe(host: Host) -> None:
    bare = host.run(probe=False)
    run = host.run([1, 2], environment={"LDEPLOY_SAMPLE": "0.000000001"})
    assert run.answers == bare.answers * 2 == [[[], False, False]] * 2
    assert (run.records, run.errors) == ([], "")


def test_a_sandbox_that_reports_tells_its_share(host: Host) -> None:
    run = host.run(environment={"LDEPLOY_SAMPLE": "0.999999999"})
    assert {record.share for record in run.records} == {0.999999999}
    assert "app.py" in run.touched("opened")


def test_the_lot_is_drawn_once_in_a_sandboxs_life(host: Host) -> None:
    without = host.run(environment={"LDEPLOY_SAMPLE": "0.000000001"})
    again = host.run(environment={"LDEPLOY_SAMPLE": "0.999999999"})
    assert (without.records, again.records) == ([], [])
    (host.tmp / ".ldeploy-journal.no").unlink()
    first = host.run(environment={"LDEPLOY_SAMPLE": "0.999999999"})
    second = host.run(environment={"LDEPLOY_SAMPLE": "0.000000001"})
    assert {record.sandbox for record in first.records} == {record.sandbox for record in second.records}


def test_about_the_share_of_sandboxes_reports(host: Host) -> None:
    """Of 24, some and not all: the chance that this fails by itself is one in eight million."""
    assert {sampled(host, "0.5") for _ in range(24)} == {True, False}


@pytest.mark.parametrize("share", ["1", "1.0", "", "0.", "abc", "0.5x", "-1", "0x10", "08", "1e-3", "$(false)"])
def test_what_is_no_share_between_0_and_1_leaves_the_probe_in(host: Host, share: str) -> None:
    assert sampled(host, share)


@pytest.mark.parametrize("share", [".000000001", "0.0000000019", "0.000000"])
def test_every_way_of_writing_a_share_is_read(host: Host, share: str) -> None:
    assert not sampled(host, share)


def test_the_functions_own_wrapper_is_called_where_there_is_no_probe(host: Host) -> None:
    wrapper = host.opt / "own-wrapper"
    wrapper.write_text('#!/bin/sh\nexport FROM_WRAPPER="$AWS_LAMBDA_EXEC_WRAPPER"\nexec "$@"\n')
    wrapper.chmod(0o755)
    host.add(
        "app.py", "import os\ndef handler(e, c): return [os.environ['FROM_WRAPPER'], 'LDEPLOY_WRAPPER' in os.environ]"
    )
    settings = {"LDEPLOY_WRAPPER": str(wrapper), "AWS_LAMBDA_EXEC_WRAPPER": str(host.wrapper)}
    run = host.run(environment={**settings, "LDEPLOY_SAMPLE": "0.000000001"})
    assert run.answers == [[str(wrapper), False]]
    assert run.records == []
