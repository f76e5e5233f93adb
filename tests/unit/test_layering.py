"""Which layers are pruned, and what is kept of them."""

import io
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from deployer.context import Context
from deployer.deploy.prune_layers import LayerUsage, measure_layers, prune_layers
from deployer.errors import DeniedError
from deployer.models.evidence import Evidence
from deployer.models.function import Configuration, Function
from deployer.models.package import Examined
from deployer.models.whitelist import Rules
from deployer.notices import Silent
from deployer.state.workspace import Workspace
from deployer.whitelist import Surroundings, choose_layer
from tests.unit.whitelists import NO_RULES, evidence, package
from tests.zips import packed

ACCOUNT = "123456789012"
ARN = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:own:3"
FOREIGN = "arn:aws:lambda:eu-west-1:999999999999:layer:own:3"
FOUND = Function(
    "f", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f", Configuration("python3.11", "a.h", "r"), "", 0, ""
)
FILES = {"python/used.py": "used" * 1000, "python/unused.py": "unused" * 100}


@dataclass
class Account:
    """Layers, and who uses them."""

    zips: dict[str, bytes]
    users: dict[str, set[str]] = field(default_factory=dict)
    denied: bool = False
    later: frozenset[str] = frozenset()
    """Layers that came after the probe."""

    def layer_url(self, arn):
        return arn, len(self.zips[arn])

    def users_of_layers(self):
        if self.denied:
            raise DeniedError("Not allowed.")
        return self.users

    def url(self, url, size, what):
        return Content(self.zips[url])


@dataclass
class Content:
    data: bytes

    @property
    def size(self):
        return len(self.data)

    def read(self, offset, length):
        stream = io.BytesIO(self.data)
        stream.seek(offset)
        return stream.read(length)


def surroundings(tmp_path, account):
    aws: Any = SimpleNamespace(functions=account, storage=account)
    return Context(aws, Workspace("f", tmp_path, account, None), Silent(), lambda: 0)


def plan(tmp_path, account, *seen, code=0, rules=NO_RULES, layers=()):
    wanted = Configuration("python3.11", "a.h", "r", layers=layers or tuple(account.zips))
    usage = LayerUsage((evidence(*seen),), frozenset(account.zips) - account.later, rules, code)
    return prune_layers(surroundings(tmp_path, account), "b", FOUND, wanted, usage)


def test_a_layer_mostly_unused_is_written_anew(tmp_path):
    other = ARN.replace("own", "used")
    zips = {other: packed(FILES), ARN: packed({**FILES, "data/unused.bin": "0" * 9000})}
    planned = plan(tmp_path, Account(zips, {ARN[:-2]: {"f"}}), "/opt/python/used.py", layers=(other, ARN))
    assert [layer.name for layer in planned.pruned] == ["ldeploy-own"]
    report = planned.reports[1]
    assert (report.pruned, report.files_before, report.files_after, report.bytes_after) == (True, 3, 1, 4000)
    assert planned.configuration.layers == (other, "ldeploy-own:to-be-published")
    assert (planned.bytes, planned.whole_bytes) == (4600 + 4000, 4600 + 13600)


def test_layers_are_measured_without_a_change(tmp_path):
    account = Account({ARN: packed(FILES)})
    wanted = Configuration("python3.11", "a.h", "r", layers=(ARN,))
    planned = measure_layers(surroundings(tmp_path, account).aws, wanted)
    assert (planned.configuration, planned.pruned, planned.bytes) == (wanted, (), 4600)


def test_a_layer_of_which_little_goes_is_pruned_only_where_the_limit_asks_for_it(tmp_path):
    account = Account({ARN: packed(FILES)})
    stays = plan(tmp_path, account, "/opt/python/used.py", code=262_144_000 - 4600)
    assert (stays.pruned, stays.bytes) == ((), 4600)
    goes = plan(tmp_path, account, "/opt/python/used.py", code=262_144_000 - 4599)
    assert (len(goes.pruned), goes.bytes) == (1, 4000)


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (Account({ARN.replace("own", "start"): packed(FILES)}), "its name leaves none"),
        (Account({FOREIGN: packed(FILES)}), "another account"),
        (Account({ARN: packed(FILES)}, {ARN[:-2]: {"f", "g"}}), "g uses it too"),
        (Account({ARN: packed(FILES)}, denied=True), "not known"),
        (Account({ARN.replace("own", "ldeploy-own"): packed(FILES)}), "its name"),
        (Account({ARN.replace("own", "probe"): packed(FILES)}), "its name"),
        (Account({ARN: packed(FILES)}, later=frozenset({ARN})), "after the probe"),
        (Account({ARN: packed({**FILES, "extensions/agent": ""})}), "extension"),
    ],
)
def test_a_layer_that_may_matter_to_others_is_left_alone_even_over_the_limit(tmp_path, account, why):
    planned = plan(tmp_path, account, "/opt/python/used.py", code=262_144_000)
    assert planned.pruned == ()
    assert why in planned.reports[0].why


def test_a_layer_that_nothing_touched_is_left_to_the_user(tmp_path):
    planned = plan(tmp_path, Account({ARN: packed(FILES)}), "app.py")
    assert "no sandbox touched a file of it" in planned.reports[0].why


# -- what is kept of a layer -----------------------------------------------------------------------------------


LAYER = package("python/a.py", "python/b.py", "python/m/__init__.py", "python/m/x.py", "lib/l.so", "odd [name].txt")


def kept(*seen, rules=NO_RULES, environment=None, earlier=()):
    around = Surroundings("app.handler", environment or {})
    found = choose_layer(Examined(LAYER), [evidence(*seen), *earlier], rules, around)
    return {path for path in found.kept() if "." in path}


def test_paths_below_opt_are_those_of_the_layer_and_those_of_the_package_are_not():
    assert kept("/opt/python/m/x.py", "python/a.py") == {"python/m/x.py", "python/m/__init__.py"}


def test_what_an_earlier_probe_saw_of_it_counts():
    assert kept("/opt/lib/l.so", earlier=[evidence("/opt/python/a.py")]) == {"lib/l.so", "python/a.py"}


def test_what_the_environment_names_is_kept_whatever_characters_are_in_it():
    environment = {"A": "x", "B": "/opt/odd [name].txt:/opt/python/b.py", "C": "/opt/gone"}
    assert kept("/opt/lib/l.so", environment=environment) == {"lib/l.so", "odd [name].txt", "python/b.py"}


def test_a_keep_rule_that_begins_with_opt_is_of_layers():
    assert kept("/opt/lib/l.so", rules=Rules(keep=("/opt/python/*.py", "python/m/**"))) == {
        "lib/l.so",
        "python/a.py",
        "python/b.py",
    }


def test_a_drop_rule_that_begins_with_opt_is_of_layers():
    rules = Rules(drop=("/opt/python/a.py", "lib/**"))
    assert kept("/opt/lib/l.so", "/opt/python/a.py", rules=rules) == {"lib/l.so"}


def test_no_evidence_of_a_layer_keeps_nothing_of_it():
    found = choose_layer(Examined(LAYER), [Evidence("x", {}, sandboxes=1)], Rules(), Surroundings())
    assert found.decisions.keys() == LAYER.entries.keys()
    assert kept("app.py") == set()
