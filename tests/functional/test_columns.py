"""What people read on a terminal fits eighty columns; only paths and commands, copied whole, may be longer."""

import re

from tests.functional.project import CREATE

WHOLE = re.compile(r"  (whitelist|page|zip|next|mend|way back|version|log) ")


def too_long(text):
    return [line for line in text.splitlines() if len(line) > 80 and not WHOLE.match(line)]


def test_each_command_of_the_loop(project):
    package = ("--package", "build", "--bucket", "packages", *CREATE)
    told = [project.ldeploy("probe", "f", *package, "--plan")]
    told += [project.ldeploy("probe", "f", *package, "--invoke", "events")]
    told += [project.ldeploy("status", "f"), project.ldeploy("shrink", "f", "--plan", "--guard", "inside")]
    told += [project.ldeploy("shrink", "f", "--guard", "inside"), project.ldeploy("report", "f")]
    told += [project.ldeploy("status", "f"), project.ldeploy("doctor", "f", "--bucket", "packages")]
    told += [project.ldeploy("why", "f", "*.py"), project.ldeploy("invoke", "f", "events")]
    told += [project.ldeploy("restore", "f", "--plan"), project.ldeploy("restore", "f")]
    assert [one.code for one in told] == [0] * len(told)
    assert [line for one in told for line in too_long(one.out)] == []
    assert any("~ code" in one.out for one in told)
