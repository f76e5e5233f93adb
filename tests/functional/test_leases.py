"""One command at a time on a function, from whatever folder or machine."""

import json

import pytest

from deployer.aws import open_aws
from deployer.errors import BusyError
from deployer.models.function import function_key
from deployer.state.lease import NAME, leased, this_process
from tests.functional.children import child

KEY = function_key("f", NAME)
HOLD = """
import os, signal, sys
from deployer.aws import open_aws
from deployer.state.lease import leased

with leased(open_aws(None, None, None).storage, "packages", "f"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def lease(project):
    """Who holds it, as the bucket has it."""
    return json.loads(project.cloud.storage.get_object(Bucket="packages", Key=KEY)["Body"].read())


def test_a_command_from_another_folder_waits_until_the_first_has_ended(project, monkeypatch):
    assert project.probe().code == 0
    with leased(open_aws(None, None, None).storage, "packages", "f"):
        assert lease(project)["pid"] == this_process().pid
        other = project.folder / "other"
        other.mkdir()
        monkeypatch.chdir(other)
        refused = project.ldeploy("restore", "f", "--bucket", "packages", "--yes")
        assert refused.code == 1
        assert "Another ldeploy is at work on f" in refused.err
    assert project.ldeploy("restore", "f", "--bucket", "packages", "--yes").code == 0


def test_a_lease_of_a_process_that_was_killed_is_taken_over_at_once(project):
    done = child(HOLD, project.cloud, project.folder)
    assert done.returncode == -9, done.stderr
    assert lease(project)["pid"]
    with leased(open_aws(None, None, None).storage, "packages", "f"):
        pass


def test_a_lease_of_another_machine_is_respected_until_it_is_old(project):
    there = {**vars(this_process()), "host": "elsewhere", "id": "1"}
    project.cloud.storage.put_object(Bucket="packages", Key=KEY, Body=json.dumps(there))
    storage = open_aws(None, None, None).storage
    with pytest.raises(BusyError, match="on elsewhere"), leased(storage, "packages", "f"):
        pass


def test_a_lease_that_may_not_be_deleted_is_released_all_the_same(project):
    storage = open_aws(None, None, None).storage
    project.cloud.aws.faults.order("s3.DeleteObject", "deny", times=1)
    with leased(storage, "packages", "f"):
        pass
    assert lease(project) == {}
    with leased(storage, "packages", "f"):
        assert lease(project)["pid"]


def test_a_lease_that_another_took_over_is_not_released(project):
    storage = open_aws(None, None, None).storage
    there = {**vars(this_process()), "host": "elsewhere", "id": "1"}
    with leased(storage, "packages", "f"):
        project.cloud.storage.put_object(Bucket="packages", Key=KEY, Body=json.dumps(there))
    assert lease(project) == there
