"""A runtime is the name of a program that is run: ``python3.N`` and nothing else passes, wherever it comes from."""

import json

import pytest

from deployer.errors import WorkspaceError
from deployer.limits import is_python
from deployer.models.whitelist import Decision, Reason, Whitelist
from deployer.slim.transforms.bytecode_compile import compile_sources
from deployer.whitelist import from_json, to_json

FOREIGN = ["./tool.sh", "python--x", "python", "python3", "/bin/sh", "python3.11 ", "python3.11\n", "python3.111", "-c"]


@pytest.mark.parametrize("runtime", FOREIGN)
def test_a_whitelist_with_another_runtime_is_refused(runtime):
    known = Whitelist("0", {"app.py": Decision("app.py", True, Reason.OPENED, "", 1, 0)}, runtime="python3.11")
    document = json.loads(to_json(known))
    assert from_json(json.dumps(document)).runtime == "python3.11"
    with pytest.raises(WorkspaceError):
        from_json(json.dumps({**document, "runtime": runtime}))


@pytest.mark.parametrize("runtime", FOREIGN)
def test_no_program_is_run_for_another_runtime(runtime, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tool.sh").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "tool.sh").chmod(0o755)
    assert not is_python(runtime)
    assert compile_sources(iter([("app.py", b"VALUE = 1\n")]), runtime).files == {}
    assert not (tmp_path / "ran").exists()
