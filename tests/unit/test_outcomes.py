"""What became of each file, and what could still go."""

from dataclasses import replace

import pytest

from deployer.errors import WorkspaceError
from deployer.models.outcome import Fate
from deployer.report.outcomes import from_json, outcomes, rows, to_json
from deployer.report.page import FileRow
from deployer.report.suggestions import suggestions
from tests.unit.whitelists import chosen, distribution, evidence, package

FULL = package(
    "app.py", "np/a.so", "np/b.py", "np/c.py", "np/data.bin", "np/used.py", "np-1.0.dist-info/RECORD", "own/"
)


def slim_of(full, *, gone=(), sizes=None, added=()):
    """The package with some files gone, of other sizes, or new."""
    entries = {path: entry for path, entry in full.entries.items() if path not in gone}
    entries |= {path: replace(entries[path], size=size) for path, size in (sizes or {}).items()}
    entries |= {path: replace(full.entries["app.py"], path=path, size=20) for path in added}
    return replace(full, entries=entries)


SLIM = slim_of(
    FULL,
    gone=("np/b.py", "np/c.py", "np/used.py"),
    sizes={"np/a.so": 6, "np/data.bin": 4},
    added=("np/used.pyc", "np/__pycache__/new.cpython-311.pyc"),
)
FOUND = outcomes(FULL, SLIM, [distribution(FULL, "np")], packed={"np/data.bin"}, guarded={"np/c.py"})


def test_each_file_has_its_fate_and_its_distribution():
    assert {path: one.fate for path, one in FOUND.files.items()} == {
        "app.py": Fate.KEPT,
        "np-1.0.dist-info/RECORD": Fate.KEPT,
        "np/__pycache__/new.cpython-311.pyc": Fate.ADDED,
        "np/a.so": Fate.TRIMMED,
        "np/b.py": Fate.DROPPED,
        "np/c.py": Fate.GUARDED,
        "np/data.bin": Fate.PACKED,
        "np/used.py": Fate.TRIMMED,
        "np/used.pyc": Fate.ADDED,
    }
    assert FOUND.files["np/used.pyc"].distribution == "np 1.0"
    assert FOUND.files["app.py"].distribution == ""


def test_the_sizes_add_up_to_those_of_both_packages():
    whitelist = chosen(FULL, evidence("np/a.so", "np/used.py", "np/data.bin"), names=["np"])
    files = rows(whitelist, FOUND)
    assert sum(one.after for one in files) == SLIM.bytes
    assert sum(one.before for one in files) == FULL.bytes
    used = next(one for one in files if one.path == "np/a.so")
    assert (used.reason, used.because[:9]) == ("opened", "request r")
    added = next(one for one in files if one.path == "np/used.pyc")
    assert added.because == "bytecode of used.py, so that a start compiles nothing"


def test_it_is_kept_as_a_file():
    assert from_json(to_json(FOUND)) == FOUND
    for broken in ("", "[]", '{"version": 2}', to_json(FOUND).replace('"kept ', '"lost ')):
        with pytest.raises(WorkspaceError):
            from_json(broken)


def file(path, distribution, before, after=0, reason="never touched"):
    fate = Fate.DROPPED if reason == "never touched" else Fate.KEPT
    return FileRow(path, distribution, before, after, fate, reason, "")


def test_a_distribution_that_no_cold_start_touched_could_go():
    files = [
        file("pandas/core.py", "pandas 2.2", 9_000_000),
        file("pandas-2.2.dist-info/METADATA", "pandas 2.2", 1_000, 1_000, "opened"),
        file("numpy/core.so", "numpy 2.0", 9_000_000, 9_000_000, "loaded"),
        file("kept/by.rule", "kept 1.0", 9_000_000, 9_000_000, "keep rule"),
        file("tiny/a.py", "tiny 1.0", 1_000),
        file("own.py", "", 9_000_000),
    ]
    (found,) = suggestions(files)
    assert found.what == "No cold start touched pandas 2.2."
    assert found.bytes == 9_001_000


def test_a_library_that_several_wheels_bring_is_named():
    files = [
        file("numpy.libs/libgfortran-040039e1.so.5.0.0", "numpy 2.0", 3_000_000, 2_000_000, "loaded"),
        file("scipy.libs/libgfortran-105e6576.so.5.0.0", "scipy 1.1", 3_000_000, 2_500_000, "loaded"),
        file("scikit_learn.libs/libgomp-a34b3233.so.1.0.0", "scikit-learn 1.5", 300_000, 300_000, "loaded"),
        file("torch/lib/libgomp.so.1", "torch 2.4", 400_000, 400_000, "loaded"),
    ]
    first, second = suggestions(files)
    assert first.what == "libgfortran is in the package 2 times: from numpy, scipy."
    assert first.bytes == 2_000_000
    assert second.what == "libgomp is in the package 2 times: from scikit-learn, torch."


def test_a_big_library_for_a_few_modules_is_named():
    modules = [file(f"cv/m{number}.py", "cv 4.0", 10_000) for number in range(50)]
    files = [*modules, file("cv/a.py", "cv 4.0", 10_000, 10_000, "opened")]
    files.append(file("cv/cv2.abi3.so", "cv 4.0", 40_000_000, 30_000_000, "loaded"))
    (found,) = suggestions(files)
    assert found.what == "cv 4.0 uses 1 module of 51 and loads cv/cv2.abi3.so whole."
