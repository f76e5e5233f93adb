"""Aliases that lead elsewhere are named, with the command that mends it; the probe is published where that is asked."""

import pytest


@pytest.fixture
def aliased(project):
    """Yield a function whose traffic comes through ``live``, as with SAM's AutoPublishAlias."""
    assert project.probe().code == 0
    assert project.ldeploy("restore", "f").code == 0
    version = project.cloud.functions.publish_version(FunctionName="f")["Version"]
    project.cloud.functions.create_alias(FunctionName="f", Name="live", FunctionVersion=version)
    return project


def leads_to(project):
    """The version that the alias leads to."""
    return project.cloud.functions.get_alias(FunctionName="f", Name="live")["FunctionVersion"]


def warned(outcome):
    """What its report warns of, of aliases."""
    return [text for text in outcome.json["warnings"] if "alias live" in text]


def test_an_alias_whose_traffic_a_probe_does_not_see_is_named(aliased):
    said = "ldeploy probe f --alias live"
    [check] = [
        one for one in aliased.ldeploy("doctor", "f", "--output", "json").json["checks"] if one["name"] == "alias"
    ]
    assert (check["verdict"], said in check["what"]) == ("doubt", True)
    [text] = warned(aliased.probe())
    assert "leads to version 1, not to $LATEST" in text
    assert said in text
    aliased.cloud.invoke("f", {})
    assert said in warned(aliased.ldeploy("status", "f", "--output", "json"))[0]


def test_after_a_shrink_that_did_not_move_an_alias_that_is_named(aliased):
    aliased.probe()
    aliased.cloud.invoke("f", {})
    aliased.cloud.functions.create_alias(FunctionName="f", Name="beta", FunctionVersion="1")
    shrunk = aliased.shrink("--alias", "beta")
    assert "Other aliases of f stay where they lead: live (version 1)" in shrunk.err
    [text] = warned(aliased.ldeploy("status", "f", "--output", "json"))
    assert "not to the slim package: ldeploy shrink f --alias live" in text
    assert aliased.shrink("--alias", "live").code == 0
    assert not warned(aliased.ldeploy("status", "f", "--output", "json"))


def test_the_alias_is_led_to_the_probe_and_back(aliased):
    probed = aliased.probe("--alias", "live")
    assert (probed.code, warned(probed)) == (0, [])
    version = leads_to(aliased)
    assert version != "1"
    assert aliased.cloud.invoke("f", {}, Qualifier="live").version == version
    status = aliased.ldeploy("status", "f", "--output", "json")
    assert (status.json["sandboxes"], warned(status)) == (1, [])
    shrunk = aliased.shrink()
    assert leads_to(aliased) == shrunk.json["version"]
    assert aliased.ldeploy("restore", "f").code == 0
    assert leads_to(aliased) == "1"


@pytest.mark.parametrize("where", ["environment", "file"])
def test_an_alias_for_shrink_alone_leads_no_traffic_to_the_probe(aliased, monkeypatch, where):
    if where == "file":
        (aliased.folder / "ldeploy.toml").write_text('alias = "live"\nbucket = "packages"\n')
    else:
        monkeypatch.setenv("LDEPLOY_ALIAS", "live")
    assert aliased.probe().code == 0
    assert leads_to(aliased) == "1"
    aliased.cloud.invoke("f", {})
    begun = aliased.shrink("--canary", "10%", "--no-wait")
    assert begun.json["state"] == "shifting"
    assert aliased.ldeploy("shift", "status", "f").code == 0
    assert aliased.ldeploy("shift", "finish", "f", "--yes").code == 0
    assert leads_to(aliased) == begun.json["version"]


def test_an_alias_that_is_not_there_is_refused_before_anything_changes(aliased):
    before = aliased.configuration()
    refused = aliased.probe("--alias", "prod")
    assert (refused.code, aliased.configuration()) == (2, before)
    assert "It has: live" in refused.err


def test_the_weights_of_an_alias_come_back_with_restore(aliased):
    aliased.probe()
    aliased.cloud.functions.publish_version(FunctionName="f")
    shared = {"AdditionalVersionWeights": {"2": 0.25}}
    aliased.cloud.functions.update_alias(FunctionName="f", Name="live", RoutingConfig=shared)
    aliased.cloud.invoke("f", {})
    assert aliased.shrink("--alias", "live").code == 1
    assert aliased.shrink("--alias", "live", "--force").code == 0
    aliased.ldeploy("restore", "f")
    alias = aliased.cloud.functions.get_alias(FunctionName="f", Name="live")
    assert (alias["FunctionVersion"], alias["RoutingConfig"]) == ("1", shared)
