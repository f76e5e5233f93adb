"""What an earlier version wrote is read on, and the same package gives the same bytes, whitelist and answers.

The files in ``as_before/`` were written by the version of the commit 4c82c1d, for the package of ``project.py``.
"""

import json
import shutil
import zipfile
from pathlib import Path

from tests.functional.project import FILES, write

BEFORE = Path(__file__).parent / "as_before"
LASTING = {"function", "folder", "state", "package", "label", "before", "after", "limits", "sandboxes", "invocations"}
LASTING |= {"coverage", "layers", "sha256", "answers", "failed", "stale", "needs"}
"""What an answer of the earlier version says, and one of today says too; what was added since may stand beside it."""


def written(name):
    """A JSON document that the earlier version wrote."""
    return json.loads((BEFORE / name).read_text())


def lasting(report, known):
    """What must not differ of a report: the fields that the earlier version knew."""
    return _part({name: value for name, value in report.items() if name in LASTING}, known)


def _part(value, known):
    if isinstance(value, dict) and isinstance(known, dict):
        return {name: _part(one, known[name]) for name, one in value.items() if name in known}
    if isinstance(value, list) and isinstance(known, list) and len(value) == len(known):
        return [_part(one, other) for one, other in zip(value, known, strict=True)]
    return value


def same(report, name):
    """Whether a report says what the earlier version wrote."""
    known = {field: value for field, value in written(name).items() if field in LASTING}
    assert lasting(report, known) == known
    return True


def decisions(whitelist):
    """Path -> what was decided, without the numbers of requests."""
    return {path: (one["kept"], one["reason"], one["size"], one["crc32"]) for path, one in whitelist.items()}


def test_the_same_package_gives_the_same_bytes_whitelist_and_answers(project):
    _zip(project.folder)
    probed = project.probe("--package", "build.zip", "--invoke", "events")
    assert probed.code == 0
    assert same(probed.json, "probe.json")
    _put_earlier_state(project)
    shrunk = project.shrink("--no-bytecode", "--trial", "after")
    assert shrunk.code == 0
    assert same(shrunk.json, "shrink.json")
    whitelist = json.loads((project.folder / ".ldeploy/f/whitelist.json").read_text())
    assert decisions(whitelist["decisions"]) == decisions(written("whitelist.json")["decisions"])
    restored = project.ldeploy("restore", "f", "--output", "json")
    assert restored.code == 0
    assert same(restored.json, "restore.json")


def _zip(folder):
    """Pack the build with the dates that a zip has which nobody gave any."""
    with zipfile.ZipFile(folder / "build.zip", "w") as archive:
        for name, content in sorted(FILES.items()):
            archive.writestr(zipfile.ZipInfo(name), content)


def _put_earlier_state(project):
    """Put the state that the earlier version wrote in the place of today's, as if it had probed."""
    zips = project.cloud.storage.list_objects_v2(Bucket="packages", Prefix="ldeploy/functions/f/")["Contents"]
    for key in (one["Key"] for one in zips if one["Key"].endswith(".zip")):  # where the earlier version put them
        where = {"Bucket": "packages", "Key": key}
        project.cloud.storage.copy_object(Bucket="packages", Key=f"ldeploy/{key.rpartition('/')[2]}", CopySource=where)
    state = project.folder / ".ldeploy/f/state.json"
    today, earlier = json.loads(state.read_text()), written("state-probed.json")
    assert earlier.keys() <= today.keys()
    passing = {"probed_at": today["probed_at"], "events": today["events"], "serial": today["serial"] + 1}
    passing["nonce"] = today["nonce"]  # the records of the probe that is in carry it
    state.write_text(json.dumps({**earlier, **passing}))


def test_a_whitelist_of_an_earlier_version_slims_a_fresh_build_the_same_way(project):
    write(project.folder / "build", {"new.py": "NEW = 1\n"})
    shutil.copy(BEFORE / "whitelist.json", "whitelist.json")
    applied = project.ldeploy(
        "apply", "whitelist.json", "build", "--no-bytecode", "--zip", "out.zip", "--output", "json"
    )
    assert applied.code == 0
    known = written("apply.json")  # its zips of a folder have other dates
    hashes = {name: {**applied.json[name], "sha256": known[name]["sha256"]} for name in ("before", "after")}
    assert same({**applied.json, **hashes}, "apply.json")
