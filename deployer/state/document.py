"""The state as a JSON document: flat, as its first version was, so that each version is read on."""

from dataclasses import asdict
from typing import Any, Final

from deployer.models.function import Configuration, StoredZip
from deployer.state.stages import Stage
from deployer.state.state import Answer, Baseline, Packages, Probe, ProbePeriod, Recorded, State
from deployer.versioned import Form

FORM: Final = Form(
    "The state that was left",
    1,
    "Take the copy in S3 (remove .ldeploy/<function>/state.json) or restore by hand.",
    "Run the ldeploy that wrote it, or restore the function by hand from its published version.",
)


def to_document(state: State) -> dict[str, Any]:
    """Return the state as JSON's own types."""
    probe, packages, recorded = state.probe, state.packages, state.recorded
    return {
        "function": state.function,
        "stage": state.stage,
        "bucket": state.bucket,
        "before": asdict(state.baseline.configuration),
        "before_code": asdict(state.baseline.code),
        "full": asdict(packages.full),
        "log_group": probe.log_group,
        "probed_at": probe.since,
        "probed": asdict(probe.configuration),
        "sample": probe.sample,
        "slim": asdict(packages.slim) if packages.slim else None,
        "stub": asdict(packages.stub) if packages.stub else None,
        "deployed_earlier": [asdict(one) for one in packages.earlier],
        "events": recorded.folder,
        "answers": {event: asdict(answer) for event, answer in recorded.answers.items()},
        "earlier": [asdict(period) for period in state.earlier],
        "pruned": dict(state.pruned),
        "layers_since": dict(probe.layers_since),
        "serial": state.serial,
        "arn": state.arn,
        "policies": list(state.policies),
        "mark": probe.mark,
        "nonce": probe.nonce,
        "alias": [state.baseline.alias, state.baseline.alias_version, dict(state.baseline.alias_weights)],
        "left": asdict(state.left) if state.left else None,
    }


def from_document(document: Any) -> State:
    """Return the state of a document that ``to_document`` made, in this version of ldeploy or an earlier one.

    Raises:
        WorkspaceError: the document is not one of ours, or of a version that this ldeploy does not know.
    """
    return FORM.build(document, _state)


def _state(document: dict[str, Any]) -> State:
    recorded = {event: Answer(**answer) for event, answer in document["answers"].items()}
    left = document.get("left")
    return State(
        document["function"],
        Stage(document["stage"]),
        document["bucket"],
        Baseline(
            configuration_of(document["before"]),
            StoredZip(**document["before_code"]),
            *document.get("alias", ("", "")),
        ),
        _packages(document),
        _probe(document),
        Recorded(document.get("events", ""), recorded),
        tuple(ProbePeriod(**period) for period in document.get("earlier", ())),
        document.get("pruned", {}),
        document.get("serial", 0),
        document.get("arn", ""),
        tuple(document.get("policies", ())),
        configuration_of(left) if left else None,
    )


def _packages(document: dict[str, Any]) -> Packages:
    earlier = tuple(StoredZip(**one) for one in document.get("deployed_earlier", ()))
    return Packages(StoredZip(**document["full"]), _zip(document.get("slim")), _zip(document.get("stub")), earlier)


def _probe(document: dict[str, Any]) -> Probe:
    return Probe(
        configuration_of(document["probed"]),
        document["log_group"],
        document["probed_at"],
        document.get("sample", 1.0),
        document.get("mark", ""),
        document.get("layers_since", {}),
        document.get("nonce", ""),
    )


def _zip(fields: dict[str, Any] | None) -> StoredZip | None:
    return StoredZip(**fields) if fields else None


def configuration_of(fields: dict[str, Any]) -> Configuration:
    """Return the configuration of its fields."""
    return Configuration(**{**fields, "layers": tuple(fields["layers"])})
