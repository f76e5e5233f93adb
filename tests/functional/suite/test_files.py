"""Every way of touching a file, opened or not."""

import os
import shutil
from pathlib import Path

from tests.functional.suite.judge import Embedded, Folders, errors, judge

Place = Folders | Embedded


def test_a_file_that_is_only_asked_about(place: Place) -> None:
    names = {f"data/{name}" for name in ("stat", "lstat", "access", "scandir/x", "follow", "relative", "link")}
    for name in names:
        place.add(name)
    seen = judge(place.run("""
        import os
        def handler(event, context):
            os.stat("data/stat"), os.lstat("data/lstat"), os.access("data/access", os.R_OK)
            [entry.stat() for entry in os.scandir("data/scandir")]
            descriptor = os.open("data", os.O_RDONLY)
            os.stat("follow", dir_fd=descriptor)
            os.chdir("data")
            os.path.exists("./relative"), os.path.realpath("link")
            os.chdir("..")
    """))  # fmt: skip
    assert not errors(seen.answers)
    assert names <= seen.touched("looked")
    assert not names & seen.touched("opened")


def test_relative_paths_after_chdir(place: Place) -> None:
    place.add("deep/er/data.txt")
    place.add("deep/beside.txt")
    seen = judge(place.run("""
        import os
        def handler(event, context):
            here = os.getcwd()
            os.chdir("deep/er")
            found = [open("data.txt").read(), os.path.exists("../beside.txt")]
            os.chdir(here)
            return found
    """))  # fmt: skip
    assert seen.answers == [["x", True]]
    assert {"deep/er/data.txt", "deep/beside.txt"} <= seen.touched()


def test_a_folder_that_is_listed(place: Place) -> None:
    place.add("plugins/one.txt")
    place.add("scanned/two.txt")
    place.add("globbed/three.txt")
    seen = judge(place.run("""
        import glob, os, pathlib
        def handler(event, context):
            found = os.listdir("plugins"), [entry.name for entry in os.scandir("scanned")], glob.glob("globbed/*")
            return [len(names) for names in found] + [len(list(pathlib.Path("plugins").iterdir()))]
    """))  # fmt: skip
    assert seen.answers == [[1, 1, 1, 1]]
    assert {"plugins", "scanned", "globbed"} <= seen.touched("listed")
    assert {"plugins", "scanned", "globbed"} <= seen.touched("browsed")


def test_a_folder_that_is_listed_to_find_a_module_in_it_is_not_browsed(place: Place) -> None:
    place.add("package/__init__.py", "")
    place.add("package/module.py", "")
    place.add("one-1.0.dist-info/METADATA", "Name: one\nVersion: 1.0\n")
    seen = judge(place.run("""
        import importlib.metadata
        import package.module
        def handler(event, context):
            return importlib.metadata.version("one")
    """))  # fmt: skip
    assert seen.answers == ["1.0"]
    assert seen.touched("browsed") == set()


def test_the_root_and_a_folder_that_was_imported_from_before_are_browsed(place: Place) -> None:
    place.add("package/__init__.py", "")
    place.add("package/module.py", "")
    seen = judge(place.run("""
        import os, pkgutil
        import package.module
        def handler(event, context):
            os.listdir()
            return [found.name for found in pkgutil.iter_modules(package.__path__)]
    """))  # fmt: skip
    assert seen.answers == [["module"]]
    assert seen.touched("browsed") == {".", "package"}


def test_a_folder_that_is_browsed_by_its_descriptor_or_in_a_forked_process(place: Place) -> None:
    for name in ("walked/deep/one", "forked/two"):
        place.add(f"{name}.txt")
    seen = judge(place.run("""
        import os
        def handler(event, context):
            child = os.fork()
            if not child:
                os._exit(len(os.listdir("forked")))
            found = os.waitpid(child, 0)[1] >> 8
            return [found, [names for *_, names, _ in os.fwalk("walked")]]
    """))  # fmt: skip
    assert seen.answers == [[1, [[], ["one.txt"]]]]
    assert seen.touched("browsed") == {"walked", "walked/deep", "forked"}


def test_symlinks_and_what_they_point_to(place: Place) -> None:
    place.add("lib/real.txt")
    (place.task / "lib/link.txt").symlink_to("real.txt")
    (place.task / "way").symlink_to("lib")
    seen = judge(place.run("""
        import os
        def handler(event, context):
            return [open("lib/link.txt").read(), os.readlink("way"), os.path.realpath("way/link.txt")[-8:]]
    """))  # fmt: skip
    assert seen.answers == [["x", "lib", "real.txt"]]
    assert {"lib/link.txt", "lib/real.txt"} <= seen.touched("opened")
    assert "way" in seen.touched("looked")


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    """In plain folders alone: a package's zip has UTF-8 names."""
    place = Folders(tmp_path)
    name = os.fsdecode(b"caf\xe9 \xe2\x82\xac\n.txt")
    place.add(name)
    seen = judge(place.run("""
        import os
        def handler(event, context):
            return [len(open(name).read()) for name in os.listdir(b".") if name.endswith(b".txt")]
    """))  # fmt: skip
    assert seen.answers == [[1]]
    assert name in seen.touched("opened")


def test_data_that_is_mapped(place: Place) -> None:
    place.add("data/table.bin", "0123456789")
    place.add("data/other.bin", "0123456789")
    seen = judge(place.run("""
        import mmap, os
        def handler(event, context):
            with open("data/table.bin", "rb") as file:
                first = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            number = os.open("data/other.bin", os.O_RDONLY)
            second = mmap.mmap(number, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
            os.close(number)
            return [first[:2].decode(), second[:2].decode()]
    """))  # fmt: skip
    assert seen.answers == [["01", "01"]]
    assert {"data/table.bin", "data/other.bin"} <= seen.touched("opened")


def test_data_that_c_opens(place: Place) -> None:
    for name in ("fopen", "open", "access", "stat", "listed/one"):
        place.add(f"data/{name}")
    place.compile("lib/libreader.so", """
        #include <dirent.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <sys/stat.h>
        #include <unistd.h>
        int read_all(void) {
            struct stat found;
            FILE *file = fopen("data/fopen", "r");
            int number = open("data/open", O_RDONLY);
            DIR *folder = opendir("data/listed");
            return file && number > 0 && folder && !access("data/access", R_OK) && !stat("data/stat", &found);
        }
    """, "-shared", "-fPIC")  # fmt: skip
    seen = judge(place.run("""
        import ctypes
        def handler(event, context):
            return ctypes.CDLL("lib/libreader.so").read_all()
    """))  # fmt: skip
    assert seen.answers == [1]
    assert {"data/fopen", "data/open"} <= seen.touched("opened")
    assert {"data/access", "data/stat"} <= seen.touched("looked")


def test_data_of_an_sqlite_library(place: Place) -> None:
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(place.scratch / "made.db") as made:
        made.execute("create table pairs (one, two)")
        made.execute("insert into pairs values (1, 2)")
    made.close()
    shutil.copy(place.scratch / "made.db", place.task / "pairs.db")
    seen = judge(place.run("""
        import sqlite3
        def handler(event, context):
            with sqlite3.connect("file:pairs.db?mode=ro&immutable=1", uri=True) as pairs:
                found = list(pairs.execute("select * from pairs"))
            pairs.close()
            return found
    """))  # fmt: skip
    assert seen.answers == [[[1, 2]]]
    assert "pairs.db" in seen.touched("opened")
