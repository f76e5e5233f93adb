"""The package of the askers: what is in it, what a whitelist of one kind of event might keep, what was scanned."""

import io
import shutil
import sqlite3
import struct
import sysconfig
import zipfile
from pathlib import Path

import certifi

from tests.images import compile_c

SUITE = Path(__file__).with_name("guard_package")
TEXTS = {
    "part/__init__.py": "",
    "part/kept.txt": "kept\n",
    "part/lazy.py": "VALUE = 'lazy'\n",
    "part/plugins/__init__.py": "",
    "part/plugins/csv.py": "NAME = 'csv'\n",
    "part/plugins/xml.py": "NAME = 'xml'\n",
    "part/data/deep/note.txt": "note\n",
    "part/data/plain.txt": "plain\n",
    "gone/__init__.py": "GONE = 'gone'\n",
    "gone/fast.py": "WHICH = 'fast'\n",
    "gone/fails.py": "def fail():\n    raise ValueError('as asked')\n",
    "gone/looks.py": "import os\nHERE = os.path.dirname(os.path.realpath(__file__))\n"
    "BESIDE = open(os.path.join(HERE, '..', 'part', 'kept.txt')).read()\n",
    "gone/data/table.txt": "table\n",
    "gone/sub/__init__.py": "",
    "gone/sub/__main__.py": "RAN = 'main of gone.sub'\nprint(RAN)\n",
    "gone/sub/leaf.py": "LEAF = 'leaf'\n",
    "gone-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: gone\nVersion: 1.0\n",
    "gone-1.0.dist-info/RECORD": "gone/__init__.py,,\ngone/fast.py,,\n",
    "gone-1.0.dist-info/entry_points.txt": "[console_scripts]\ngone = gone:main\n",
    "space/one.py": "ONE = 1\n",
    "space/text.txt": "text\n",
    "gone/data/added.pth": "added\n",
    "gone/data/added/inside.txt": "inside\n",
    "part/data/vars.sh": "VAR=value\n",
    "part/data/site.ini": "[site]\nname = here\n",
    "bin/tool.sh": '#!/bin/sh\necho "tool $1"\n',
    **{f"part/empty/s{number}/model.json": f'{{"s": {number}}}\n' for number in range(5)},
    **{f"part/scan/f{number}.dat": "d" * number for number in range(30)},
}
DROPPED = (
    *("gone/", "gone-1.0.dist-info/", "space/", "bin/", "part/lazy.py", "part/plugins/", "part/data/", "part/scan/"),
    *("part/native.so", "part/calls", "part.libs/libtwo.so", "lib/libbare.so.1"),
)
EMPTIED = "part/empty/"

READER = """
#include <stdio.h>
int main(int argc, char **argv) {
    char text[99] = {0};
    FILE *file = fopen(argv[argc - 1], "r");
    if (!file) return 3;
    fread(text, 1, 98, file);
    fputs(text, stdout);
    return 0;
}
"""
NATIVE = """
#include <Python.h>
int two(void);
static PyObject *call(PyObject *self, PyObject *none) { return PyLong_FromLong(two()); }
static PyMethodDef methods[] = {{"two", call, METH_NOARGS, NULL}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", 0, -1, methods};
PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&module); }
"""


def is_kept(path: str) -> bool:
    return not path.startswith(DROPPED)


def is_emptied(path: str) -> bool:
    return path.startswith(EMPTIED)


def build(folder: Path) -> Path:
    """Writes the full package."""
    for name, text in TEXTS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "bin/tool.sh").chmod(0o755)
    (folder / "part/data/big.bin").write_bytes(bytes(range(256)) * 2048)
    (folder / "part/data/more.zip").write_bytes(_zip({"inzip.py": "INZIP = 'in a zip'\n"}))
    for place in ("part/data/words.db", "gone/data/more.db"):
        _database(folder / place)
    _more_data(folder / "part/data")
    for place in ("bin/script", "part/script"):
        (folder / place).write_text("#!/var/task/bin/reader\n")
        (folder / place).chmod(0o755)
    for name in ("app.py", "askers.py"):
        shutil.copy(SUITE / name, folder / name)
    _compile_all(folder)
    return folder


def _database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table words as select 'word' as word")
    connection.commit()
    connection.close()


def _more_data(folder: Path) -> None:
    """A time zone, a catalogue of translations and a certificate, as libraries read them."""
    shutil.copy(certifi.where(), folder / "trusted.pem")
    zone = folder / "zones/Somewhere/Else"
    zone.parent.mkdir(parents=True)
    zone.write_bytes(b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0")
    zone.write_bytes(zone.read_bytes() * 2 + b"\nUTC0\n")
    catalogue = folder / "locale/de/LC_MESSAGES/words.mo"
    catalogue.parent.mkdir(parents=True)
    texts = b"yes\0ja\0"
    catalogue.write_bytes(struct.pack("<7I4I", 0x950412DE, 0, 1, 28, 36, 0, 44, 3, 44, 2, 48) + texts)


def _zip(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def _compile_all(folder: Path) -> None:
    for name in ("part.libs", "lib"):
        (folder / name).mkdir()
    beside = ["-Wl,--enable-new-dtags,-rpath,$ORIGIN/../part.libs", "-Lpart.libs"]
    shared = ["-shared", "-fPIC"]
    python = ["-I", sysconfig.get_paths()["include"]]
    _compile(folder, "part.libs/libtwo.so", "int two(void) { return 2; }", *shared, "-Wl,-soname,libtwo.so")
    _compile(folder, "part.libs/libkept.so", "int kept(void) { return 7; }", *shared, "-Wl,-soname,libkept.so")
    one = "int two(void); int one(void) { return two() + 1; }"
    _compile(folder, "part/libone.so", one, *shared, *beside, "-ltwo")
    three = "int kept(void); int two(void); int three(void) { return kept() + two(); }"
    _compile(folder, "gone/libthree.so", three, *shared, *beside, "-ltwo", "-lkept")
    _compile(folder, "lib/libbare.so.1", "int bare(void) { return 5; }", *shared, "-Wl,-soname,libbare.so.1")
    _compile(folder, "part/native.so", NATIVE, *shared, *python, *beside, "-ltwo")
    _compile(folder, "bin/reader", READER)
    _compile(folder, "part/calls", (SUITE / "calls.c").read_text(), "-ldl")


def _compile(folder: Path, name: str, code: str, *arguments: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    compile_c(["-O1", "-w", "-x", "c", "-", "-o", name, *arguments], input=code, text=True, cwd=folder)
