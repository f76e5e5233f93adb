"""Memory does not grow with the biggest library."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.unit.test_elf import make

SLIM = """
import sys
from pathlib import Path
from deployer.models.whitelist import Decision, Reason, Whitelist
from deployer.package import index, open_file
from deployer.slim import Settings, recipe, write_slim
with open_file(Path("full.zip")) as source:
    package = index(source)
    whitelist = Whitelist("", {path: Decision(path, True, Reason.OPENED, "", 0, 0) for path in package.entries})
    slim = write_slim(source, package, recipe(package, whitelist, Settings(), "python3.11"), Path("slim.zip"))
print(dict(next(step for step in slim.steps if step.name == "libraries trimmed").left_alone))
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def test_a_library_of_300_mb_is_trimmed_in_half_as_much_memory(tmp_path: Path) -> None:
    library = make(text=b"text of the library " * 15_000_000)
    with zipfile.ZipFile(tmp_path / "full.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("libs/liblong.so", library)
    done = subprocess.run([sys.executable, "-c", SLIM], cwd=tmp_path, capture_output=True, text=True, check=True)
    alone, peak_kb = done.stdout.split("\n")[:2]
    assert alone == "{}"
    assert int(peak_kb) < 150_000
    with zipfile.ZipFile(tmp_path / "slim.zip") as archive:
        assert len(archive.read("libs/liblong.so")) < len(library)
