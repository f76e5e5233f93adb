"""A client as anyone would write it: invokes a function with each event, or describes it."""

import json
import sys
from pathlib import Path

import boto3

OF_THE_VERSION = {"FunctionArn", "LastModified", "RevisionId", "Version", "Description", "ResponseMetadata", "State"}


def invoke(name: str, events: str) -> None:
    """One line an event: its name and the answer."""
    client = boto3.client("lambda")
    for event in sorted(Path(events).glob("*.json")):
        reply = client.invoke(FunctionName=name, Payload=event.read_bytes())
        print(event.stem, reply.get("FunctionError", ""), reply["Payload"].read().decode())


def describe(name: str, version: str = "$LATEST") -> None:
    """Code and configuration, without what is of the version and not of the function."""
    found = boto3.client("lambda").get_function_configuration(FunctionName=name, Qualifier=version)
    kept = {key: value for key, value in found.items() if key not in OF_THE_VERSION and "Status" not in key}
    print(json.dumps(kept, indent=1, sort_keys=True))


if __name__ == "__main__":
    {"invoke": invoke, "describe": describe}[sys.argv[1]](*sys.argv[2:])
