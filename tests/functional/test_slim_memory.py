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


EXAMINE = """
from pathlib import Path
from deployer.package import examine, index, open_file
with open_file(Path("full.zip")) as source:
    package = index(source)
    found = examine(source, package).distributions
    print([(one.name, one.version, sorted(one.files)) for one in found][:1], len(found))
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def test_metadata_of_31_mb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    rows = "lib0/__init__.py,sha256=x,1\n" + "gone/no.py,sha256=x,1\n" * 200_000
    with zipfile.ZipFile(tmp_path / "full.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("lib0/__init__.py", "")
        for number in range(6):
            head = f"Metadata-Version: 2.1\nName: lib{number}\nVersion: 1.{number}\n\n"
            archive.writestr(f"lib{number}-1.dist-info/METADATA", head + "description " * 2_600_000)
        archive.writestr("lib0-1.dist-info/RECORD", rows)
    done = subprocess.run([sys.executable, "-c", EXAMINE], cwd=tmp_path, capture_output=True, text=True, check=True)
    found, peak_kb = done.stdout.split("\n")[:2]
    assert found == "[('lib0', '1.0', ['lib0/__init__.py'])] 6"
    assert int(peak_kb) < 100_000
