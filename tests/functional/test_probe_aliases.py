"""A file of the package is seen whatever name it is reached by."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.functional.probe_host import Host, Run


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.add("data/x.txt", "x")
    host.add("data/deep/y.txt", "y")
    return host


def run(host: Host, body: str) -> Run:
    host.add("app.py", dedent(body))
    done = host.run([str(host.tmp)])
    assert done.answers == [None], done.answers
    return done


def test_a_symlink_outside_that_leads_into_the_package(host: Host) -> None:
    done = run(host, """
        import os
        def handler(event, context):
            os.symlink(os.path.abspath("data"), event + "/alias")
            os.path.exists(event + "/alias/x.txt")
            open(event + "/alias/deep/y.txt").close()
            os.listdir(event + "/alias")
    """)  # fmt: skip
    assert "data/x.txt" in done.touched("looked")
    assert "data/deep/y.txt" in done.touched("opened")
    assert "data" in done.touched("browsed")
    assert not done.faults


def test_a_symlink_to_a_file(host: Host) -> None:
    done = run(host, """
        import os
        def handler(event, context):
            os.symlink(os.path.abspath("data/x.txt"), event + "/x")
            os.stat(event + "/x")
    """)  # fmt: skip
    assert "data/x.txt" in done.touched("looked")


def test_a_place_that_becomes_a_symlink_later(host: Host) -> None:
    """Where it led before is remembered only until a symlink is made or a name changed."""
    done = run(host, """
        import os
        def handler(event, context):
            os.makedirs(event + "/place/deep")
            open(event + "/place/x.txt", "w").close()
            os.stat(event + "/place/x.txt"), os.stat(event + "/place/deep")
            os.rename(event + "/place", event + "/before")
            os.symlink(os.path.abspath("data"), event + "/place")
            os.stat(event + "/place/x.txt")
    """)  # fmt: skip
    assert "data/x.txt" in done.touched("looked")


@pytest.mark.parametrize("way", ["/proc/self/cwd", "/proc/thread-self/cwd", "/proc/self/root{here}"])
def test_ways_through_proc(host: Host, way: str) -> None:
    place = way.format(here=host.task)
    done = run(host, f"""
        import os
        def handler(event, context):
            os.stat("{place}/data/x.txt")
    """)  # fmt: skip
    assert "data/x.txt" in done.touched("looked")


def test_an_open_of_the_name_alone_is_a_look_and_no_fault(host: Host) -> None:
    """O_PATH: the kernel reports no open."""
    done = run(host, """
        import os
        def handler(event, context):
            os.close(os.open("data/x.txt", os.O_PATH))
    """)  # fmt: skip
    assert "data/x.txt" in done.touched("looked")
    assert not done.faults
