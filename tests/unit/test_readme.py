"""What README.md promises."""

from tests import readme


def test_the_commands_in_the_readme_are_those_of_the_help():
    assert readme.written() == readme.commands(), "run scripts/readme"
