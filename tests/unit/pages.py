"""Contents of a report's page: a small package with each kind of file and hostile names, and a big one."""

from collections.abc import Iterator

from deployer.evidence.coverage import Coverage
from deployer.evidence.discovery import Discovery
from deployer.evidence.misses import Aftermath, Miss
from deployer.models.evidence import LineCount
from deployer.models.slim import Measure, Saving
from deployer.report.models import Artifacts, ShrinkReport, limits
from deployer.report.page import Fate, FileRow, PageContent, Since, Suggestion
from deployer.report.reasons import Reason

HOSTILE = (
    "<script>window.ran=1</script>.py",
    "</script><img src=x onerror=window.ran=1>.txt",
    "\"onmouseover='window.ran=1'.bin",
    "a&lt;b&amp;.txt",
    "\udcff\udcfe.dat",
    "it's [a] *test*?.txt",
    "über/日本 語.json",
    "line\nbreak.txt",
    "--keep",
)
"""Names that a zip may hold."""


def row(path: str, fate: Fate = Fate.KEPT, size: int = 10_000, distribution: str = "", because: str = "") -> FileRow:
    """A file with a reason that goes with its fate."""
    lost = fate in {Fate.DROPPED, Fate.GUARDED}
    after = {Fate.KEPT: size, Fate.TRIMMED: size // 2, Fate.PACKED: size // 3, Fate.ADDED: size}.get(fate, 0)
    before = 0 if fate is Fate.ADDED else size
    return FileRow(path, distribution, before, after, fate, "never touched" if lost else "opened", because)


def small() -> tuple[FileRow, ...]:
    """A few files of two distributions, and hostile ones of the function's own."""
    numpy, pandas = "numpy 2.0.0", "pandas 2.2.2"
    seen = "request 1f2e at start-up, 3 of 3 sandboxes"
    return (
        row("app.py", because=seen),
        row("numpy/core/big.so", Fate.TRIMMED, 9_000_000, numpy, seen),
        row("numpy/core/used.py", Fate.KEPT, 40_000, numpy, seen),
        row("numpy/core/__pycache__/used.cpython-311.pyc", Fate.ADDED, 50_000, numpy),
        row("numpy/tests/test_core.py", Fate.DROPPED, 400_000, numpy, "no invocation in 3 sandboxes touched it"),
        row("numpy/fft/pocket.so", Fate.GUARDED, 700_000, numpy, "no invocation in 3 sandboxes touched it"),
        row("pandas/data.bin", Fate.PACKED, 5_000_000, pandas, seen),
        row("pandas/io/excel.py", Fate.DROPPED, 3_000_000, pandas, "no invocation in 3 sandboxes touched it"),
        *(row(name, Fate.DROPPED, 300_000, because=f"<b>{name}</b>") for name in HOSTILE),
    )


def many(count: int) -> Iterator[FileRow]:
    """A package as big as they come: names and evidence as varied as in a real one."""
    fates = (Fate.KEPT, Fate.TRIMMED, Fate.DROPPED, Fate.DROPPED, Fate.GUARDED)
    for number in range(count):
        library, module = number % 173, number // 173
        fate = fates[number * 7919 % 11 % 5]
        path = f"library_{library}/package_{module % 29}/module_{number * 2654435761 % 2**32:08x}.py"
        because = f"request {number * 40503 % 65536:04x}… at start-up, {number % 40 + 1} of 40 sandboxes"
        if fate in {Fate.DROPPED, Fate.GUARDED}:
            because = "no invocation in 40 sandboxes touched it"
        yield row(path, fate, number * 7919 % 100_003, f"library-{library} 1.{library}", because)


def since(*misses: str) -> Since:
    """What the log tells, with these files missing."""
    log = Aftermath(1200, 3, 1, tuple(Miss(path, 2, served=False) for path in misses), 7, 455.0)
    mend = f"ldeploy shrink tiles --keep {misses[0]}" if misses else ""
    return Since("2026-11-25T17:17:00Z", "2026-11-26T09:00:00Z", log, False, mend, "ldeploy restore tiles")


def content(files: tuple[FileRow, ...] | None = None) -> PageContent:
    """What a page is made of."""
    files = small() if files is None else files
    before, after = sum(one.before for one in files), sum(one.after for one in files)
    report = ShrinkReport(
        function="tiles",
        state="deployed",
        before=Measure(len(files), before, before // 3, "b" * 64, 1310.0),
        after=Measure(len(files), after, after // 3, "a" * 64, 460.0),
        limits=limits(Measure(len(files), after, after // 3, "a" * 64), 0),
        sandboxes=24,
        invocations=1830,
        coverage=Coverage(24, 0.025, 0.08, 0.95, 3, 24),
        lines=LineCount(records=90),
        faults={},
        steps=(
            Saving("whitelist", 12, before, before // 2),
            Saving("libraries trimmed", 3, before // 3, before // 4, {"nothing to drop": 2}),
            Saving("bytecode added", 30, 0, 900_000),
        ),
        reasons=(Reason("opened", True, 5, 9_000_000), Reason("never touched", False, 7, 8_000_000)),
        layers=(),
        artifacts=Artifacts("whitelist.json", "slim.zip", "s3://bucket/ldeploy/a.zip"),
        plan=(),
        version="12",
        warnings=("A <warning> & more.",),
    )
    return PageContent(
        report=report,
        files=files,
        made="2026-11-25T17:16:57.049Z",
        tool="ldeploy 0.1.0",
        command="ldeploy shrink tiles",
        discovery=Discovery(((1, 80.0), (12, 96.5), (24, 100.0)), ((24, 100.0), (48, 102.0)), 103),
        suggestions=(Suggestion("No cold start touched pandas 2.2.2.", 8_000_000, "Take it out of the requirements."),),
        since=since("numpy/fft/pocket.so"),
    )
