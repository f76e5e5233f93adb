"""What others than the function's own process read: named by the environment, or configuration of an extension."""

import pytest

from deployer.models.whitelist import Reason, Rules
from deployer.whitelist import Surroundings, carry_over
from tests.unit.whitelists import NO_RULES, chosen, evidence, examined, package, reasons

OWN = (
    "app.py", "collector.yaml", "conf/a b.toml", "conf/deep/x.yml", "conf/table.bin", "datadog.yaml", "data/big.bin",
    "n/settings.json", "wörter.json",
)  # fmt: skip


def around(extensions: tuple[str, ...] = (), **environment: str) -> Surroundings:
    return Surroundings("gone.handler", environment, extensions)


def needed(surroundings: Surroundings, *names: str) -> dict[str, Reason]:
    return reasons(chosen(package(*OWN), evidence(), names=names, around=surroundings))


@pytest.mark.parametrize(
    "value",
    [
        "/var/task/collector.yaml",
        "file:/var/task/collector.yaml",
        "file:///var/task/collector.yaml",
        "yaml+file://localhost/var/task/collector.yaml?watch=1#top",
        "/opt/x:/var/task/gone.yaml:/var/task/collector.yaml",
        "/var/task//./conf/../collector.yaml",
        "--verbose --config='/var/task/collector.yaml' --port=1",
        '{"config": "/var/task/collector.yaml", "level": 3}',
        "$LAMBDA_TASK_ROOT/collector.yaml",
        "${LAMBDA_TASK_ROOT}/collector.yaml,/opt/other.yaml",
        "collector.yaml",
        "./collector.yaml",
        "file:collector.yaml",
    ],
)
def test_what_a_value_names_is_kept_whatever_stands_around_it(value: str) -> None:
    assert needed(around(OPENTELEMETRY_COLLECTOR_CONFIG_URI=value)) == {"collector.yaml": Reason.NAMED}


@pytest.mark.parametrize(
    ("value", "path"),
    [("/var/task/conf/a b.toml", "conf/a b.toml"), ("file:/var/task/conf/a%20b.toml:x", "conf/a b.toml"),
     ("/var/task/wörter.json", "wörter.json")],
)  # fmt: skip
def test_a_path_with_spaces_or_letters_of_its_own_is_found(value: str, path: str) -> None:
    assert needed(around(A=value)) == {path: Reason.NAMED}


def test_symlinks_on_the_way_are_kept_too() -> None:
    whole = package(*OWN, links={"current": "conf"})
    found = reasons(chosen(whole, evidence(), around=around(A="/var/task/current/deep/x.yml")))
    assert (found["conf/deep/x.yml"], found["current"]) == (Reason.NAMED, Reason.NAMED)


@pytest.mark.parametrize("value", ["", ".", "/var/task", "/var/task/", "/var/task/../..", "conf", "app", "/srv/var/x"])
def test_a_value_that_names_no_file_keeps_none(value: str) -> None:
    assert needed(around(A=value)) == {}


def test_the_reason_says_which_variable_it_was_and_nothing_of_its_value() -> None:
    kept = chosen(package(*OWN), evidence(), around=around(SECRET="token:/var/task/collector.yaml"))
    assert kept.decisions["collector.yaml"].because == "the variable SECRET names it"


def test_a_drop_rule_wins() -> None:
    kept = chosen(package(*OWN), evidence(), around=around(A="collector.yaml"), rules=Rules(drop=("*.yaml",)))
    assert not kept.decisions["collector.yaml"].kept


# -- where an extension is there ---------------------------------------------------------------------------------------

EXTENSION = ("collector",)


def test_configuration_at_the_root_is_kept_for_extensions() -> None:
    expected = {"collector.yaml", "datadog.yaml", "wörter.json"}
    assert needed(around(EXTENSION)) == dict.fromkeys(expected, Reason.EXTENSION)
    assert needed(around()) == {}


def test_the_reason_names_the_extension() -> None:
    kept = chosen(package(*OWN), evidence(), around=around(("collector", "datadog-agent")))
    assert "collector or datadog-agent may read it" in kept.decisions["datadog.yaml"].because


def test_what_belongs_to_a_distribution_is_no_configuration_of_the_functions() -> None:
    assert "n/settings.json" not in needed(around(EXTENSION, A="/var/task/n"), "n")


def test_of_a_folder_that_is_named_the_configuration_is_kept() -> None:
    found = needed(around(EXTENSION, CONFIG_DIR="/var/task/conf/"))
    assert {path for path, reason in found.items() if reason is Reason.NAMED} == {
        "conf",
        "conf/a b.toml",
        "conf/deep/x.yml",
    }


@pytest.mark.parametrize("variable", ["PYTHONPATH", "LD_LIBRARY_PATH"])
def test_of_a_folder_in_a_search_path_nothing_is_kept(variable: str) -> None:
    assert Reason.NAMED not in needed(around(EXTENSION, **{variable: "/var/task/conf:/opt/x"})).values()


def test_a_fresh_build_keeps_what_is_named_today() -> None:
    before = chosen(package(*OWN), evidence("app.py"))
    after = carry_over(before, examined(package(*OWN)), NO_RULES, around(A="/var/task/collector.yaml"))
    assert after.decisions["collector.yaml"].reason is Reason.NAMED
    assert not after.decisions["datadog.yaml"].kept
