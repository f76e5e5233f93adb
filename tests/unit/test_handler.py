"""A handler that names nothing is known before it is deployed."""

import pytest

from deployer.package import index, open_file
from deployer.package.handler import lacks_name
from tests.zips import packed


def lacks(tmp_path, source, handler="app.handler"):
    (tmp_path / "code.zip").write_bytes(packed({"app.py": source}))
    with open_file(tmp_path / "code.zip") as zipped:
        return lacks_name(zipped, index(zipped), handler)


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context): ...",
        "async def handler(event, context): ...",
        "from elsewhere import other as handler",
        "from elsewhere import *",
        "import handler",
        "if True:\n    handler = print",
        "try:\n    pass\nfinally:\n    (first, handler) = 1, 2",
        "with open('x') as handler: pass",
        "class handler: ...",
        "globals()['handler'] = print",
        "def __getattr__(name): ...",
        "this is no Python",
    ],
)
def test_a_name_that_is_bound_somehow_is_no_mistake(tmp_path, source):
    assert not lacks(tmp_path, source)


@pytest.mark.parametrize("source", ["", "def handle(event, context): ...", "def other():\n    return handler"])
def test_a_name_that_is_never_bound_is_one(tmp_path, source):
    assert lacks(tmp_path, source)


def test_a_module_that_is_not_there_is_another_mistake(tmp_path):
    assert not lacks(tmp_path, "", "gone.handler")
