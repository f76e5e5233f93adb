"""Why a file is kept or dropped: what is meant by what a user types, and what would change it."""

import pytest

from deployer.errors import UsageError
from deployer.models.evidence import Evidence, PathEvidence, Phase, Touch
from deployer.models.outcome import Fate
from deployer.report.page import FileRow
from deployer.report.text import text
from deployer.report.why import meant, why

SEEN = PathEvidence(
    frozenset({Touch.OPENED, Touch.LOOKED}),
    3,
    "2026-11-25T10:00:00.000Z",
    Phase.INVOKE,
    "1f2e",
    "5a",
    imported_by="shop",
)
EVIDENCE = Evidence("a1b2", {"np/core.so": SEEN}, sandboxes=24, invocations=90)


def row(path, distribution="", *, fate=Fate.DROPPED, reason="never touched", because="", size=1_000_000):
    """A file."""
    return FileRow(path, distribution, size, 0 if fate.is_gone else size, fate, reason, because)


ROWS = (
    row("app.py", fate=Fate.KEPT, reason="handler"),
    row("np/__init__.py", "Num_Py 2.0", fate=Fate.KEPT, reason="opened"),
    row("np/core.so", "Num_Py 2.0", fate=Fate.TRIMMED, reason="opened", because="request 1f2e while answering"),
    row("np/fft/a.py", "Num_Py 2.0"),
    row("np/fft/b c.py", "Num_Py 2.0"),
    row("num_py-2.0.dist-info/RECORD", "Num_Py 2.0"),
    row("ruled.py", fate=Fate.KEPT, reason="keep rule", because="keep rule 'ru*.py'"),
    row("lost.py", reason="drop rule", because="drop rule 'lo*.py'"),
    row("__pycache__/app.pyc", fate=Fate.ADDED, reason="added"),
)


@pytest.mark.parametrize(
    ("asked", "meaning", "paths"),
    [
        ("app.py", "file", ["app.py"]),
        ("/var/task/np/core.so", "file", ["np/core.so"]),
        ("./np/core.so", "file", ["np/core.so"]),
        ("num-py", "distribution", [one.path for one in ROWS[1:6]]),
        ("NUM.PY 2.0", "distribution", [one.path for one in ROWS[1:6]]),
        ("num_py==2.0", "distribution", [one.path for one in ROWS[1:6]]),
        ("np/fft/", "folder", ["np/fft/a.py", "np/fft/b c.py"]),
        ("np.fft.a", "module", ["np/fft/a.py"]),
        ("np.core", "module", ["np/core.so"]),
        ("np.fft", "folder", ["np/fft/a.py", "np/fft/b c.py"]),
        ("fft/*.py", "pattern", []),
        ("np/fft/*.py", "pattern", ["np/fft/a.py", "np/fft/b c.py"]),
        ("*.so", "pattern", ["np/core.so"]),
    ],
)
def test_what_a_user_may_mean(asked, meaning, paths):
    if not paths:
        with pytest.raises(UsageError):
            meant(asked, ROWS)
        return
    found = meant(asked, ROWS)
    assert (found[0], [one.path for one in found[1]]) == (meaning, paths)


def test_a_name_that_is_not_there_gives_those_that_are_near():
    with pytest.raises(UsageError, match=r"named 'np/coer.so'. Did you mean np/core.so\?"):
        meant("np/coer.so", ROWS)
    with pytest.raises(UsageError, match="files of layers are not known here"):
        meant("", ROWS)


def asked(name):
    return why(name, "f", "deployed", ROWS, EVIDENCE)


def test_one_file_has_its_evidence():
    (one,) = asked("np.core").files
    assert (one.kept, one.fate, one.reason, one.sandboxes, one.request) == (True, Fate.TRIMMED, "opened", 3, "1f2e")
    assert (one.touches, one.phase, one.asked_by) == (("looked", "opened"), "invoke", "shop")
    lines = text(asked("np.core"))
    assert "evidence  looked, opened in 3 of 24 sandboxes" in lines
    assert "first     by request 1f2e while answering, 2026-11-25T10:00:00.000Z" in lines
    assert "asked by  shop" in lines


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("np/core.so", "ldeploy shrink f --drop /np/core.so"),
        ("np/fft/b c.py", "ldeploy shrink f --keep '/np/fft/b c.py'"),
        ("ruled.py", "take out the keep rule ru*.py"),
        ("lost.py", "take out the drop rule lo*.py"),
        ("__pycache__/app.pyc", "ldeploy shrink f --no-bytecode"),
        ("np.fft", "ldeploy shrink f --keep /np/fft/"),
        ("np/fft/*", "ldeploy shrink f --keep 'np/fft/*'"),
        ("num-py", "ldeploy shrink f --keep /np/ --keep /num_py-2.0.dist-info/"),
    ],
)
def test_what_would_change_it(name, change):
    assert asked(name).change == change


def test_several_files_are_summed_and_the_heaviest_named():
    report = asked("num-py")
    assert [(one.kept, one.reason, one.files) for one in report.amounts] == [
        (True, "opened", 2),
        (False, "never touched", 3),
    ]
    lines = text(report).splitlines()
    assert lines[0] == "f: num-py, a distribution of 5 files"
    assert any(line.split() == ["dropped:", "never", "touched", "3", "files", "3.0", "MB"] for line in lines)
    assert max(map(len, lines)) <= 80
