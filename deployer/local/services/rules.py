"""EventBridge: rules whose targets are functions, which moto does not call; a schedule's rule is sent on request."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import moto.events.models as seam
from moto.awslambda.utils import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.events.utils import EventTemplateParser


class LocalRule(seam.Rule):  # type: ignore[misc]
    """A rule that calls functions too."""

    targets: list[dict[str, Any]]

    def send_to_targets(self, original_event: dict[str, Any], transform_input: bool = True) -> None:
        """Send an event to each target, where it fits the rule."""
        functions = [target for target in self.targets if ":lambda:" in target["Arn"]]
        others = [target for target in self.targets if ":lambda:" not in target["Arn"]]
        if functions and self.event_pattern.matches_event(original_event):
            self.call(functions, original_event)
        if others:
            mine, self.targets = self.targets, others
            try:
                super().send_to_targets(original_event, transform_input)
            finally:
                self.targets = mine

    def call(self, functions: list[dict[str, Any]], event: Mapping[str, Any]) -> None:
        """Invoke functions with an event, or with what their target says in its place."""
        moment = datetime.fromtimestamp(float(event["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for target in functions:
            parts = target["Arn"].split(":")
            payload = payload_of(target, {**event, "time": moment})
            backend = get_backend(self.account_id, parts[3])
            backend.submit(parts[6], parts[7] if len(parts) > 7 else None, payload.encode(), None)


def payload_of(target: Mapping[str, Any], event: dict[str, Any]) -> str:
    """Return what a target is sent: the event, a constant, or what its template makes of the event."""
    if target.get("Input"):
        return str(target["Input"])
    if made := target.get("InputTransformer"):
        template, paths = made.get("InputTemplate"), made.get("InputPathsMap", {})
        return json.dumps(EventTemplateParser.parse(input_template=template, input_paths_map=paths, event=event))
    return json.dumps(event)


def install() -> None:
    """Have moto make rules of ours."""
    seam.Rule = LocalRule


def run(name: str) -> int:
    """Send what a schedule would send, now; return how many rules of this name there are."""
    found = [
        (region, rule)
        for region, backend in seam.events_backends[DEFAULT_ACCOUNT_ID].items()
        for bus in backend.event_buses.values()
        for rule in bus.rules.values()
        if rule.name == name
    ]
    for region, rule in found:
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": DEFAULT_ACCOUNT_ID,
            "time": datetime.now(UTC).timestamp(),
            "region": region,
            "resources": [rule.arn],
            "detail": {},
        }
        rule.call([target for target in rule.targets if ":lambda:" in target["Arn"]], event)
    return len(found)
