"""Bytecode: what is compiled, that it runs, that it is the same each time, and where it goes."""

import importlib.util
import marshal
import os
import random
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.models.python import PythonOptions, read_options
from deployer.models.settings import Settings
from deployer.slim.transforms import bytecode_child
from deployer.slim.transforms.base import Kept
from deployer.slim.transforms.bytecode import AddBytecode, bytecode_path, needs_source
from deployer.slim.transforms.bytecode_compile import Form, compile_sources, find_interpreter
from tests.unit.whitelists import chosen, evidence, package

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
SOURCES = {
    "app.py": b"import a.b\n\ndef handler(event, context):\n    return a.b.KINDS\n",
    "a/__init__.py": b"",
    "a/b.py": b"KINDS = 'x' in {'a', 'b', 'x', None, 1.5, 3}\ndef fail():\n    raise ValueError(KINDS)\n",
    "a/latin.py": "# -*- coding: latin-1 -*-\nNAME = 'é'\n".encode("latin-1"),
}


def run(pyc: bytes) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(marshal.loads(pyc[16:]), names)
    return names


def test_each_source_becomes_unchecked_bytecode_of_this_version() -> None:
    compiled = compile_sources(SOURCES.items(), RUNTIME)
    assert compiled.files.keys() == SOURCES.keys()
    for path, pyc in compiled.files.items():
        assert pyc[:4] == importlib.util.MAGIC_NUMBER
        assert pyc[4:8] == b"\1\0\0\0"
        assert pyc[8:16] == importlib.util.source_hash(SOURCES[path])


def test_bytecode_of_a_source_that_may_be_changed_is_checked() -> None:
    files = compile_sources(SOURCES.items(), RUNTIME, form=Form(checked={"app.py"})).files
    assert {path for path, pyc in files.items() if pyc[4:8] == b"\3\0\0\0"} == {"app.py"}


@pytest.mark.parametrize(
    ("level", "debug", "doc"), [(0, True, "Doc."), (1, False, "Doc."), (2, False, None), (3, False, None)]
)
def test_bytecode_is_of_the_functions_own_level(level: int, debug: bool, doc: str | None) -> None:
    source = b"'Doc.'\nDEBUG = __debug__\n"
    names = run(compile_sources([("app.py", source)], RUNTIME, form=Form(optimize=level)).files["app.py"])
    assert (names["DEBUG"], names.get("__doc__")) == (debug, doc)


def test_bytecode_does_what_its_source_does() -> None:
    files = compile_sources(SOURCES.items(), RUNTIME).files
    assert run(files["a/b.py"])["KINDS"] is True
    assert run(files["a/latin.py"])["NAME"] == "é"


@pytest.mark.parametrize(("path", "shown"), [("a/b.py", "/var/task/a/b.py"), ("/opt/python/b.py", "/opt/python/b.py")])
def test_tracebacks_show_where_the_source_will_be(path: str, shown: str) -> None:
    names = run(compile_sources([(path, SOURCES["a/b.py"])], RUNTIME).files[path])
    try:
        names["fail"]()  # type: ignore[operator]
    except ValueError as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.name) == (shown, 3, "fail")


def test_no_path_of_this_machine_is_written(tmp_path: Path) -> None:
    files = compile_sources(SOURCES.items(), RUNTIME).files
    assert not any(os.fsencode(Path.home()) in pyc or b"site-packages" in pyc for pyc in files.values())


def test_without_columns_bytecode_is_smaller_and_lines_are_still_right() -> None:
    short = compile_sources(SOURCES.items(), RUNTIME, form=Form(columns=False)).files["a/b.py"]
    assert len(short) < len(compile_sources(SOURCES.items(), RUNTIME).files["a/b.py"])
    assert run(short)["fail"].__code__.co_firstlineno == 2  # type: ignore[attr-defined]


def without_lines(code: CodeType) -> bytes:
    """Everything that a code object is but for its location tables."""
    inner = [without_lines(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return marshal.dumps(code.replace(co_consts=(), co_linetable=b""), 2) + marshal.dumps(inner, 2)


def lines(code: CodeType) -> list[int | None]:
    """Of each unit of code, those of the code within it behind its own."""
    inner = [line for each in code.co_consts if isinstance(each, CodeType) for line in lines(each)]
    return [position[0] for position in code.co_positions()] + inner


def test_location_tables_are_a_part_of_what_they_were_and_nothing_else_is_changed() -> None:
    folder = Path(os.__file__).parent
    sources = {path.name: path.read_bytes() for path in sorted(folder.glob("[a-c]*.py"))}
    files = compile_sources(sources.items(), RUNTIME, form=Form(columns=False)).files
    assert len(files) > 10
    for path, source in sources.items():
        code = compile(source, f"/var/task/{path}", "exec", dont_inherit=True)
        short = marshal.loads(files[path][16:])
        assert lines(short) == lines(code)
        assert without_lines(short) == without_lines(code)
    total = sum(map(len, files.values()))
    assert total < 0.95 * sum(map(len, compile_sources(sources.items(), RUNTIME).files.values()))


def entry(kind: int, units: int, rest: bytes) -> bytes:
    return bytes([0x80 | kind << 3 | units - 1]) + rest


def difference(lines: int) -> bytes:
    """A difference of lines: 6 bits a byte, the lowest first, the sign in the lowest bit."""
    value = abs(lines) << 1 | (lines < 0)
    digits = [value >> shift & 63 for shift in range(0, max(value.bit_length(), 1), 6)]
    return bytes([*(digit | 64 for digit in digits[:-1]), digits[-1]])


def units(table: bytes) -> list[tuple[int, bytes]]:
    """Kind and contents of each entry, once for each unit of code; for what is on the same line, no contents."""
    found: list[tuple[int, bytes]] = []
    for first, rest in re.findall(rb"([\x80-\xff])([\x00-\x7f]*)", table):
        kind = first[0] >> 3 & 15
        found += [(kind, b"" if rest == b"\0" else rest), *[(kind, b"")] * (first[0] & 7)]
    return found


numbers = st.integers(1, 8)
lines_apart = st.one_of(st.just(0), st.integers(-3000, 3000))
entries = st.one_of(
    st.builds(entry, st.just(13), numbers, st.builds(difference, lines_apart)),
    st.builds(entry, st.just(15), numbers, st.just(b"")),
    st.builds(entry, st.just(14), numbers, st.binary(min_size=4, max_size=4).map(lambda b: bytes(x & 127 for x in b))),
)


@given(st.lists(entries, max_size=40).map(b"".join))
def test_a_tighter_location_table_tells_the_same_of_each_unit_of_code(table: bytes) -> None:
    code = compile("", "a.py", "exec").replace(co_linetable=table)
    tight = bytecode_child.tightened(code).co_linetable
    assert units(tight) == units(table)
    assert len(tight) <= len(table)
    assert bytecode_child.tightened(code.replace(co_linetable=tight)).co_linetable == tight


def test_the_same_bytes_whatever_the_order_the_processes_and_the_hash_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(os.__file__).parent
    sources = [(path.name, path.read_bytes()) for path in sorted(folder.glob("[a-f]*.py"))]
    once = compile_sources(sources, RUNTIME, processes=2).files
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    shuffled = random.Random(3).sample(sources, len(sources))
    assert compile_sources(shuffled, RUNTIME, processes=1).files == once
    assert len(once) > 20


def test_bytes_do_not_depend_on_which_names_are_alive_in_the_process() -> None:
    source = b"def rarely_used_name(another_rare_name):\n    return another_rare_name.third_rare_name\n"
    before = bytecode_child.compiled(source, "/var/task/a.py")
    alive = [sys.intern(name) for name in ("rarely_used_name", "another_rare_name", "third_rare_name")]
    assert bytecode_child.compiled(source, "/var/task/a.py") == before
    assert alive


def test_a_set_is_written_the_same_however_it_was_built() -> None:
    numbers = [8, 16, 24, 0]
    assert list(frozenset(numbers)) != list(frozenset(reversed(numbers)))
    one, other = (bytecode_child.settled(frozenset(each)) for each in (numbers, reversed(numbers)))
    assert list(cast("frozenset[int]", one)) == list(cast("frozenset[int]", other))


def test_what_does_not_compile_is_skipped() -> None:
    sources = {
        "two.py": b"print 'x'\n",
        "nul.py": b"a\0b",
        "template.py": b"{{ name }} = 1",
        "ok.py": b"a = 1",
    }
    compiled = compile_sources(sources.items(), RUNTIME)
    assert compiled.files.keys() == {"ok.py"}
    assert compiled.skipped == ("nul.py", "template.py", "two.py")


def test_a_source_that_brings_the_compiler_down_costs_only_itself() -> None:
    deep = b"-" * 3_000_000 + b"1"
    compiled = compile_sources([("deep.py", deep), ("ok.py", b"a = 1")], RUNTIME, processes=1)
    assert compiled.files.keys() == {"ok.py"}


def test_an_interpreter_that_dies_at_every_source_fails_nothing(tmp_path: Path) -> None:
    python = tmp_path / "python"
    answer = f"{python}\\ncpython\\n{RUNTIME}\\nfinal\\n"
    python.write_text(f'#!/bin/sh\ncase "$*" in *PEP*) exit 1;; esac\nprintf "{answer}"\n')
    python.chmod(0o755)
    compiled = compile_sources(SOURCES.items(), RUNTIME, python=str(python))
    assert (compiled.files, compiled.reason) == ({}, "")
    assert set(compiled.skipped) == SOURCES.keys()


def test_without_an_interpreter_of_the_version_the_answer_says_so() -> None:
    compiled = compile_sources(SOURCES.items(), "python3.99")
    assert compiled.reason == "no interpreter of python3.99 was found on this machine"
    assert not compiled.files


def test_another_version_is_not_taken_for_the_runtimes() -> None:
    assert find_interpreter("python3.99", sys.executable) == []
    assert find_interpreter(RUNTIME, "/nowhere/python") == []


@pytest.mark.parametrize("runtime", ["./tool.sh", "python--x", "python3.11/../../tool", "", "python3"])
def test_what_is_no_runtime_is_never_run(runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tool = tmp_path / "tool.sh"
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    tool.chmod(0o755)
    assert find_interpreter(runtime) == []
    assert not (tmp_path / "ran").exists()


def test_a_preview_of_the_version_is_not_taken(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nprintf '{python}\\ncpython\\n{RUNTIME}\\ncandidate\\n'\n")
    python.chmod(0o755)
    assert find_interpreter(RUNTIME, str(python)) == []


def test_a_source_that_cannot_be_read_is_the_callers_error() -> None:
    def sources() -> Iterator[tuple[str, bytes]]:
        yield "ok.py", b"a = 1"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        compile_sources(sources(), RUNTIME)


def test_bytecode_goes_where_the_runtime_looks_for_it() -> None:
    assert bytecode_path("a/b.py", "python3.11") == "a/__pycache__/b.cpython-311.pyc"
    assert bytecode_path("app.py", "python3.9") == "__pycache__/app.cpython-39.pyc"
    assert bytecode_path("a/b.py", "python3.11", in_place=True) == "a/b.pyc"
    assert bytecode_path("a/b.py", "python3.11", PythonOptions(2)) == "a/__pycache__/b.cpython-311.opt-2.pyc"
    assert bytecode_path("a/b.py", "python3.11", PythonOptions(2), in_place=True) == "a/b.pyc"


@pytest.mark.parametrize("level", [0, 2])
def test_a_folder_for_all_bytecode_is_where_python_looks(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    options = PythonOptions(level, "/var/task/cache")
    monkeypatch.setattr(sys, "pycache_prefix", "/var/task/cache")
    expected = importlib.util.cache_from_source("/var/task/a/b.py", optimization=level or "")
    assert f"/var/task/{bytecode_path('a/b.py', RUNTIME, options)}" == expected
    assert bytecode_path("a/b.py", RUNTIME, PythonOptions(level, "/tmp/cache")) == ""


@pytest.mark.parametrize(
    ("environment", "options"),
    [({}, (0, "")), ({"PYTHONOPTIMIZE": "2"}, (2, "")), ({"PYTHONOPTIMIZE": ""}, (0, "")),
     ({"PYTHONOPTIMIZE": "x"}, (1, "")),
     ({"PYTHONOPTIMIZE": "0", "PYTHONPYCACHEPREFIX": "/tmp/x/"}, (0, "/tmp/x")), ({"PYTHONOPTIMIZE": "-3"}, (1, "")),
     ({"PYTHONDONTWRITEBYTECODE": "1"}, (0, ""))],
)  # fmt: skip
def test_variables_are_read_as_python_reads_them(environment: dict[str, str], options: tuple[int, str]) -> None:
    found = read_options(environment)
    assert (found.optimize, found.cache_prefix) == options
    show = "import sys; print(sys.flags.optimize, sys.pycache_prefix or '', sep='|')"
    told = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip().rstrip("/") == "|".join(map(str, options))


def test_where_python_looks_elsewhere_nothing_is_added_and_it_is_said() -> None:
    whole, decisions = package("app.py"), chosen(package("app.py"), evidence("app.py")).decisions
    kept = Kept(
        whole, {"app.py": whole.entries["app.py"]}, decisions, Settings(), RUNTIME, False, PythonOptions(0, "/tmp/x")
    )
    transform = AddBytecode.plan(kept)
    assert transform is not None
    added = transform.add(lambda path: b"", lambda done: None)
    assert (added.files, transform.paths) == ((), ())
    assert "PYTHONPYCACHEPREFIX is /tmp/x" in added.warnings[0]
    replacing = AddBytecode.plan(replace(kept, settings=Settings(source=False)))
    assert replacing is not None
    assert [one.path for one in replacing.add(lambda path: b"x = 1", lambda done: None).files] == ["app.pyc"]
    here = importlib.util.cache_from_source("a/b.py")
    assert bytecode_path("a/b.py", RUNTIME) == here


def test_sources_that_are_more_than_modules_must_stay() -> None:
    sources = {
        "fast/kernel.py": b"from numba import njit\n@njit(cache=True)\ndef f(): pass\n",
        "bin/tool.py": b"#!/usr/bin/env python\n",
        "share/my-template.py": b"a = 1\n",
        "plugins/__init__.py": b"names = [n for n in os.listdir(here) if n.endswith('.py')]\n",
        "plugins/one.py": b"a = 1\n",
        "plain/module.py": b"a = 1  # as in 'other.py'\nb = 'See rules.py'\n",
    }
    needed = needs_source(sources.items())
    assert sources.keys() - needed.keys() == {"plain/module.py"}
    assert needed["plugins/one.py"] == "plugins/__init__.py names source files"


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}\.py", fullmatch=True), st.binary(max_size=200), max_size=5))
def test_every_source_is_either_compiled_or_skipped(sources: dict[str, bytes]) -> None:
    compiled = compile_sources(sources.items(), RUNTIME, processes=1)
    assert compiled.files.keys() | set(compiled.skipped) == sources.keys()
