"""What tests of whole commands share."""

import pytest

from tests.functional.local_aws import cloud
from tests.functional.project import FILES, Project, events, write


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    """A user in an empty account with one bucket."""
    with cloud(settle=0) as here:
        for name, value in here.aws.environment({}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        here.storage.create_bucket(Bucket="packages")
        write(tmp_path / "build", FILES)
        events(tmp_path / "events", open={}, lazy={"do": "lazy"}, look={"do": "look"})
        here.aws.faults.forget()
        yield Project(here, tmp_path, capsys)
