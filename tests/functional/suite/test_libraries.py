"""Every way of loading compiled code."""

import sysconfig

from tests.functional.suite.judge import Embedded, Folders, errors, judge

Place = Folders | Embedded
SHARED = ("-shared", "-fPIC")
BEHIND = "int value(void) { return 7; }"
FRONT = "int value(void); int ask(void) { return value(); }"
ORIGIN = "-Wl,-rpath,$ORIGIN"


def test_ctypes_and_a_library_behind_a_library(place: Place) -> None:
    place.compile("native/libbehind.so", BEHIND, *SHARED)
    place.compile("native/libfront.so", FRONT, *SHARED, "-lbehind", ORIGIN)
    seen = judge(place.run("""
        import ctypes
        def handler(event, context):
            return ctypes.CDLL("native/libfront.so").ask()
    """))  # fmt: skip
    assert seen.answers == [7]
    assert {"native/libfront.so", "native/libbehind.so"} <= seen.touched("opened")


def test_an_extension_module_with_libraries_behind_libraries(place: Place) -> None:
    place.compile("fast.libs/libdeepest.so", BEHIND, *SHARED)
    place.compile("fast.libs/libbehind.so", FRONT, *SHARED, "-ldeepest", ORIGIN)
    source = """
        #include <Python.h>
        int ask(void);
        static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(ask()); }
        static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
        static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "core", "", -1, methods};
        PyMODINIT_FUNC PyInit_core(void) { return PyModule_Create(&module); }
    """
    place.add("fast/__init__.py", "from .core import answer")
    libraries = (f"-L{place.task}/fast.libs", "-lbehind", "-Wl,-rpath,$ORIGIN/../fast.libs")
    unresolved = "-Wl,--allow-shlib-undefined"
    place.compile("fast/core.so", source, *SHARED, f"-I{sysconfig.get_path('include')}", *libraries, unresolved)
    seen = judge(place.run("""
        import fast
        def handler(event, context):
            return fast.answer()
    """))  # fmt: skip
    assert seen.answers == [7]
    assert {"fast/core.so", "fast.libs/libbehind.so", "fast.libs/libdeepest.so"} <= seen.touched("opened")


def test_cffi_finds_a_library_by_its_name(place: Place) -> None:
    """As cffi's ABI mode and ctypes.util do: a bare name, found by LD_LIBRARY_PATH."""
    place.compile("lib/libnamed.so.1", BEHIND, *SHARED)
    (place.task / "lib/libnamed.so").symlink_to("libnamed.so.1")
    seen = judge(place.run("""
        import os, subprocess, sys
        CODE = "import ctypes; print(ctypes.CDLL('libnamed.so').value())"
        def handler(event, context):
            folders = os.environ.get("LD_LIBRARY_PATH", "") + ":" + os.path.abspath("lib")
            environment = {**os.environ, "LD_LIBRARY_PATH": folders}
            return int(subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True).stdout)
    """))  # fmt: skip
    assert seen.answers == [7]
    assert {"lib/libnamed.so", "lib/libnamed.so.1"} & seen.touched("opened")


def test_a_library_in_lib_is_found_by_lambdas_own_search_path(embedded: Embedded) -> None:
    embedded.compile("lib/libplain.so", BEHIND, *SHARED)
    seen = judge(embedded.run("""
        import ctypes
        def handler(event, context):
            return ctypes.CDLL("libplain.so").value()
    """))  # fmt: skip
    assert seen.answers == [7]
    assert "lib/libplain.so" in seen.touched("opened")


def test_a_library_that_a_thread_loads_and_one_that_is_closed_again(place: Place) -> None:
    place.compile("native/libone.so", BEHIND, *SHARED)
    place.compile("native/libtwo.so", BEHIND, *SHARED)
    seen = judge(place.run("""
        import _ctypes, ctypes, os, threading
        def handler(event, context):
            thread = threading.Thread(target=ctypes.CDLL, args=(os.path.abspath("native/libone.so"),))
            thread.start(), thread.join()
            _ctypes.dlclose(_ctypes.dlopen(os.path.abspath("native/libtwo.so"), os.RTLD_NOW))
    """))  # fmt: skip
    assert not errors(seen.answers)
    assert {"native/libone.so", "native/libtwo.so"} <= seen.touched("opened")
