"""A client as anyone would write it: makes a role, invokes a function with each event, or describes it."""

import json
import sys
from pathlib import Path

import boto3

OF_THE_VERSION = {"FunctionArn", "LastModified", "RevisionId", "Version", "Description", "ResponseMetadata", "State"}

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ldeploy-*/ldeploy/*"}


def role(name: str) -> None:
    """A role for functions, which may read what ldeploy keeps in its bucket; prints its ARN."""
    client = boto3.client("iam")
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST))
    client.put_role_policy(RoleName=name, PolicyName="packages", PolicyDocument=policy(READ))
    print(made["Role"]["Arn"])


def policy(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


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
    {"role": role, "invoke": invoke, "describe": describe}[sys.argv[1]](*sys.argv[2:])
