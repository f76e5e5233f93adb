"""What an earlier version wrote is read on, and the same package gives the same bytes, whitelist and answers.

The files in ``as_before/`` were written by the version of the commit 4c82c1d, for the package of ``project.py``.
"""

import json
import shutil
from pathlib import Path

from tests.functional.project import write

BEFORE = Path(__file__).parent / "as_before"
PASSING = {"version"}
"""Of an answer: the number of a version says how many there were."""


def written(name):
    """A JSON document that the earlier version wrote."""
    return json.loads((BEFORE / name).read_text())


def lasting(report):
    """A report without what differs from run to run."""
    return {name: value for name, value in report.items() if name not in PASSING}


def decisions(whitelist):
    """Path -> what was decided, without the numbers of requests."""
    return {path: (one["kept"], one["reason"], one["size"], one["crc32"]) for path, one in whitelist.items()}


def test_the_same_package_gives_the_same_bytes_whitelist_and_answers(project):
    probed = project.probe("--invoke", "events")
    assert (probed.code, lasting(probed.json)) == (0, lasting(written("probe.json")))
    _put_earlier_state(project)
    shrunk = project.shrink("--no-bytecode")
    assert (shrunk.code, lasting(shrunk.json)) == (0, lasting(written("shrink.json")))
    whitelist = json.loads((project.folder / ".ldeploy/f/whitelist.json").read_text())
    assert decisions(whitelist["decisions"]) == decisions(written("whitelist.json")["decisions"])
    restored = project.ldeploy("restore", "f", "--output", "json")
    assert (restored.code, lasting(restored.json)) == (0, lasting(written("restore.json")))


def _put_earlier_state(project):
    """Put the state that the earlier version wrote in the place of today's, as if it had probed."""
    state = project.folder / ".ldeploy/f/state.json"
    today, earlier = json.loads(state.read_text()), written("state-probed.json")
    assert earlier.keys() <= today.keys()
    passing = {"probed_at": today["probed_at"], "events": today["events"], "serial": today["serial"] + 1}
    state.write_text(json.dumps({**earlier, **passing}))


def test_a_whitelist_of_an_earlier_version_slims_a_fresh_build_to_the_same_bytes(project):
    write(project.folder / "build", {"new.py": "NEW = 1\n"})
    shutil.copy(BEFORE / "whitelist.json", "whitelist.json")
    applied = project.ldeploy(
        "apply", "whitelist.json", "build", "--no-bytecode", "--zip", "out.zip", "--output", "json"
    )
    assert (applied.code, lasting(applied.json)) == (0, lasting(written("apply.json")))
