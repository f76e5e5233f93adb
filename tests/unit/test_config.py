"""A project's settings."""

import pytest

from deployer.commands.settings_file import settings
from deployer.errors import UsageError

KNOWN = {"bucket", "min_sandboxes", "keep"}


def test_without_a_file_there_are_none(tmp_path):
    assert settings(tmp_path, KNOWN) == {}


def test_pyproject_has_a_table(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ldeploy]\nmin-sandboxes = 3\n')
    assert settings(tmp_path, KNOWN) == {"min_sandboxes": 3}


def test_a_file_of_its_own_goes_before_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.ldeploy]\nbucket = "a"\n')
    (tmp_path / "ldeploy.toml").write_text('bucket = "b"\nkeep = ["*.dat"]\n')
    assert settings(tmp_path, KNOWN) == {"bucket": "b", "keep": ["*.dat"]}


@pytest.mark.parametrize("content", ["tool = 3", "[tool]\nldeploy = 3"])
def test_what_is_no_table_is_said(tmp_path, content):
    (tmp_path / "pyproject.toml").write_text(content)
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        settings(tmp_path, KNOWN)


@pytest.mark.parametrize("content", ["bukcet = 1", "[", "\xff\xfe".encode("latin-1")])
def test_what_it_does_not_know_or_cannot_read_is_said(tmp_path, content):
    file = tmp_path / "ldeploy.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=r"ldeploy\.toml"):
        settings(tmp_path, KNOWN)
