"""``--help``: short, with examples, own options first; and nothing heavy is imported for it."""

import subprocess
import sys
from typing import Any, cast

import click
import pytest

from deployer.cli import COMMANDS, ldeploy
from deployer.commands.groups import SHARED
from tests.functional.project import Project

HEAVY = ("boto3", "botocore", "rich", "moto", "urllib3", "werkzeug")
WORK = ("pipeline", "context", "flow", "deploy", "state", "slim", "aws", "whitelist", "evidence", "package", "local")
"""Rooms of deployer/ that do a command's work."""
IMPORTED = """
import sys
from contextlib import redirect_stdout
from io import StringIO
from deployer.cli import main
with redirect_stdout(StringIO()):
    try:
        main(sys.argv[1:])
    except SystemExit:
        pass
print(*sorted(sys.modules))
"""


def imported(*arguments):
    """The modules that a command imports."""
    command = [sys.executable, "-c", IMPORTED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture
def alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Project(cast(Any, None), tmp_path, capsys)


def every():
    """Each command by the words that call it."""
    for name, command in ldeploy.all_commands().items():
        if isinstance(command, click.Group):
            yield from (((name, inner), each) for inner, each in command.commands.items())
        else:
            yield (name,), command


def test_the_list_of_commands_imports_none_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    modules = imported("--help")
    assert modules.isdisjoint(HEAVY)
    assert "deployer.commands.loop" not in modules


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words)) for words, _ in every()])
def test_the_help_of_a_command_imports_nothing_that_does_its_work(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    modules = imported(*words, "--help")
    assert f"deployer.commands.{COMMANDS[words[0]].module}" in modules
    assert modules.isdisjoint(HEAVY)
    rooms = {name.split(".")[1] for name in modules if name.startswith("deployer.")}
    assert rooms.isdisjoint(WORK)


def test_summaries_are_short():
    assert all(len(entry.summary) < 50 for entry in COMMANDS.values())


@pytest.mark.parametrize(("words", "command"), [pytest.param(*one, id=" ".join(one[0])) for one in every()])
def test_each_help_has_an_example_and_its_own_options_first(alone, words, command):
    told = alone.unattended(*words, "--help").out
    assert f"ldeploy {' '.join(words)}" in told.partition("Example")[2]
    assert "\n  [FUNCTION]" not in told
    own = [one.opts[0] for one in command.params if isinstance(one, click.Option) and one.name not in SHARED]
    if own and "Everywhere:" in told:
        assert told.index(own[0]) < told.index("Everywhere:")
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prob", "f"), "Did you mean probe?"),
        (("status", "f", "--bukket", "b"), "--bucket"),
    ],
)
def test_what_may_be_meant_is_named(alone, arguments, said):
    done = alone.unattended(*arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_setting_that_is_not_known_names_the_file_and_what_may_be_meant(alone):
    (alone.folder / "ldeploy.toml").write_text('bukket = "b"\n')
    done = alone.unattended("status", "f")
    assert done.code == 2
    assert "ldeploy.toml sets bukket" in done.err
    assert "Did you mean bucket?" in done.err


def test_a_wrong_value_that_nobody_typed_names_the_variable_or_the_file(alone, monkeypatch):
    monkeypatch.setenv("LDEPLOY_SINCE", "yesterday")
    done = alone.unattended("shrink", "f", "--yes")
    assert (done.code, "The variable LDEPLOY_SINCE is wrong: 'yesterday' is not a time" in done.err) == (2, True), (
        done.err
    )
    monkeypatch.delenv("LDEPLOY_SINCE")
    monkeypatch.setenv("LDEPLOY_MIN_SANDBOXES", "many")
    done = alone.unattended("shrink", "f", "--yes")
    assert (done.code, "The variable LDEPLOY_MIN_SANDBOXES is wrong" in done.err) == (2, True), done.err
    monkeypatch.delenv("LDEPLOY_MIN_SANDBOXES")
    (alone.folder / "ldeploy.toml").write_text('since = "yesterday"\n')
    done = alone.unattended("shrink", "f", "--yes")
    assert (done.code, "The setting since of ldeploy.toml" in done.err) == (2, True), done.err
