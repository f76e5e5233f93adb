"""The frame of JSON files: what was written before is read on, what is broken or of another version is refused."""

import json

import pytest

from deployer import evidence, whitelist
from deployer.errors import WorkspaceError
from deployer.report import store as report_store
from deployer.state.document import from_document
from deployer.versioned import Form, count, of_type

OLD_WHITELIST = """{
"version": 1,
"package": "a1b2",
"warnings": [],
"installed": [],
"decisions": {
"app.py": {"kept": true, "reason": "opened", "because": "", "size": 3, "crc32": 7}}
}
"""
OLD_EVIDENCE = {
    "version": 1,
    "package": "a1b2",
    "paths": {
        "app.py": {
            "touches": ["opened"],
            "sandboxes": 1,
            "first_seen": "s",
            "phase": "start",
            "request": None,
            "sandbox": "one",
        }
    },
    "sandboxes": 1,
    "invocations": 2,
    "lines": {},
    "faults": {},
    "since": "s",
    "until": "t",
    "population": 1.0,
}
OLD_INVENTORY = {"version": 1, "package": "a1b2", "installed": [], "own": {"app.py": 7}}
READERS = {
    "The whitelist": whitelist.from_json,
    "The evidence that an earlier run left": evidence.from_json,
    "The inventory of an earlier package": whitelist.inventory_from_json,
    "The report of the last shrink": report_store.from_json,
    "The state that was left": lambda text: from_document(json.loads(text)),
}


def test_files_that_were_written_before_the_frame_are_read_on():
    assert list(whitelist.from_json(OLD_WHITELIST).kept()) == ["app.py"]
    assert evidence.from_json(json.dumps(OLD_EVIDENCE)).paths["app.py"].sandboxes == 1
    assert whitelist.inventory_from_json(json.dumps(OLD_INVENTORY)).own == {"app.py": 7}


@pytest.mark.parametrize("subject", READERS)
@pytest.mark.parametrize("text", ["{}", "[]", "null", '"text"', '{"version": 1, "form": 1}'])
def test_what_is_broken_says_so_with_advice(subject, text):
    with pytest.raises(WorkspaceError, match=f"^{subject} is broken\\.") as caught:
        READERS[subject](text)
    assert caught.value.advice


@pytest.mark.parametrize("subject", READERS)
def test_another_version_says_so(subject):
    with pytest.raises(WorkspaceError, match=f"^{subject} is of version 99, not 1\\."):
        READERS[subject]('{"version": 99, "form": 99}')


def test_text_that_is_no_json_is_broken():
    with pytest.raises(WorkspaceError, match=r"^It is broken"):
        Form("It", 1, "Remove it.").read("[" * 100_000, dict)


@pytest.mark.parametrize("value", [True, "1", 1.0, None])
def test_only_a_value_of_just_the_type_is_one(value):
    with pytest.raises(TypeError):
        of_type(int, value)
    with pytest.raises(TypeError):
        count(-1)
