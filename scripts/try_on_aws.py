#!/usr/bin/env python3
"""Tries ldeploy on AWS: for each runtime and architecture a small function is made, probed, shrunk and restored.

What is made has names that begin with ldeploy-try-; all of it is taken away at the end, whatever happened. It costs
cents. Needs credentials as any AWS client does; the permissions are docs/policies.md's, and for the role IAM's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

TARGETS: Final = tuple(f"python3.{minor}-{machine}" for minor in range(9, 15) for machine in ("x86_64", "arm64"))
FILES: Final = {
    "app.py": """
import ctypes, hashlib, os, platform, subprocess, sys
import used

HERE = os.path.dirname(os.path.abspath(__file__))

def handler(event, context):
    import late
    names = sorted(os.listdir(os.path.join(HERE, "plugins")))
    shown = subprocess.run(["/bin/cat", os.path.join(HERE, "data/by_a_child.txt")], capture_output=True).stdout.decode()
    asked = os.path.exists(os.path.join(HERE, "data/only_asked_for.txt"))
    read = open(os.path.join(HERE, "data/read.txt")).read()
    return [used.VALUE, late.VALUE, names, shown, asked, read, "%d.%d" % sys.version_info[:2], platform.machine()]
""",
    "used.py": "VALUE = 'used'[0:4]\n",
    "late.py": "VALUE = 'late'\n",
    "unused.py": "VALUE = 'unused'\n" * 1000,
    "plugins/one.py": "",
    "data/read.txt": "read",
    "data/only_asked_for.txt": "x",
    "data/by_a_child.txt": "child",
    "data/never.bin": "never" * 10_000,
}
NEEDED: Final = FILES.keys() - {"unused.py", "data/never.bin"}
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LOGS: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["logs:Create*", "logs:PutLogEvents"], "Resource": "*"}],
}
LAYER: Final = "ldeploy-probe"
WAIT_S: Final = 60
"""How long the log's lines may take to be there, and a new role to be known."""


@dataclass
class Row:
    """What came of a target."""

    target: str
    steps: dict[str, str] = field(default_factory=dict)
    faults: str = ""
    sizes: str = ""

    def __str__(self) -> str:
        """Return a line of the table."""
        cells = [self.steps.get(step, "") for step in STEPS]
        return "| " + " | ".join([self.target, *cells, self.faults, self.sizes]) + " |"

    @property
    def good(self) -> bool:
        """Whether every step worked, and no witness was missing."""
        return all(self.steps.get(step) == "ok" for step in STEPS) and not self.faults


STEPS: Final = ("probe", "evidence", "shrink", "same answer", "restore")


@dataclass(frozen=True)
class Account:
    """Where the trial runs, and its clients."""

    session: boto3.Session
    name: str
    """Of the trial's bucket and role, and the beginning of its functions'."""
    folder: Path

    def client(self, service: Any) -> Any:
        """Return boto3's client of a service."""
        return self.session.client(service)

    def ldeploy(self, *arguments: str) -> dict[str, Any]:
        """Run one command of ldeploy, as a user does, and return its JSON.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        command = [sys.executable, "-m", "deployer", *arguments, "--bucket", self.name, "--output", "json"]
        region = {"AWS_REGION": self.session.region_name, "LDEPLOY_GUARD": "off"}
        path = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **region, **path}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"ldeploy {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-600:]}")
        return dict(json.loads(done.stdout))


def main() -> int:
    """Try every target, print the table; return 1 where something did not work."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    asked.add_argument("--role", help="a role that may write logs [default: one is made, and taken away]")
    asked.add_argument("--region", help="[default: that of your settings]")
    given = asked.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        asked.error(f"there is no {', '.join(sorted(unknown))}")
    session = boto3.Session(region_name=given.region)
    if not session.region_name:
        asked.error("say which --region")
    with tempfile.TemporaryDirectory() as folder:
        account = Account(session, f"ldeploy-try-{uuid.uuid4().hex[:12]}", Path(folder))
        rows = list(try_all(account, given.targets or TARGETS, given.role))
    tell(rows)
    return 0 if all(row.good for row in rows) else 1


def try_all(account: Account, targets: Any, role: str | None) -> Iterator[Row]:
    """Try one target after another; take away what was made, also after an error or Ctrl-C."""
    for name, text in FILES.items():
        path = account.folder / "build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = layer_versions(account)
    try:
        region = account.session.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        account.client("s3").create_bucket(Bucket=account.name, **where)
        arn = role or make_role(account)
        for target in targets:
            print(f"{target} …", file=sys.stderr, flush=True)
            yield try_one(account, target, arn)
    finally:
        take_away(account, before)


def layer_versions(account: Account) -> set[int]:
    """Return the versions of the probe's layer that there are."""
    pages = account.client("lambda").get_paginator("list_layer_versions").paginate(LayerName=LAYER)
    with suppress(ClientError):  # there is no such layer
        return {version["Version"] for page in pages for version in page["LayerVersions"]}
    return set()


def make_role(account: Account) -> str:
    """Make a role that may write logs, and nothing else."""
    roles = account.client("iam")
    made = roles.create_role(RoleName=account.name, AssumeRolePolicyDocument=json.dumps(TRUST))
    roles.put_role_policy(RoleName=account.name, PolicyName="logs", PolicyDocument=json.dumps(LOGS))
    roles.get_waiter("role_exists").wait(RoleName=account.name)
    if not os.environ.get("AWS_ENDPOINT_URL"):
        time.sleep(12)  # IAM tells Lambda of a new role some seconds late
    return str(made["Role"]["Arn"])


def try_one(account: Account, target: str, role: str) -> Row:
    """Go the whole loop; a step that fails is the last."""
    runtime, _, machine = target.partition("-")
    row, name = Row(target), f"{account.name}-{target.replace('.', '-')}"
    functions = account.client("lambda")
    create = ("--create", "--role", role, "--handler", "app.handler", "--runtime", runtime, "--architecture", machine)
    steps: Mapping[str, Callable[[], str]] = {
        "probe": lambda: probe(account, name, create),
        "evidence": lambda: evidence(account, name, row),
        "shrink": lambda: shrink(account, name, row),
        "same answer": lambda: compare(functions, name, machine, runtime),
        "restore": lambda: restore(account, functions, name),
    }
    for step, doing in steps.items():
        try:
            row.steps[step] = doing() or "ok"
        except Exception as error:
            traceback.print_exception(error, limit=2, file=sys.stderr)
            row.steps[step] = "**failed**"
        if row.steps[step] != "ok":
            break
    return row


def probe(account: Account, name: str, create: tuple[str, ...]) -> str:
    """Deploy the function in full, with the probe in, and invoke it twice."""
    account.ldeploy("probe", name, "--package", "build", *create, "--memory", "512", "--timeout", "30", "--yes")
    answers = [invoke(account.client("lambda"), name) for _ in range(2)]
    (account.folder / f"{name}.json").write_text(json.dumps(answers[0]))
    return "" if answers[0] == answers[1] else "**answers differ**"


def evidence(account: Account, name: str, row: Row) -> str:
    """Wait until the log has told of both invocations; note what the probe complained of."""
    until = time.monotonic() + WAIT_S
    while True:
        seen = account.ldeploy("status", name)
        if seen["invocations"] >= 2 or time.monotonic() > until:
            break
        time.sleep(2)
    row.faults = ", ".join(seen["faults"])
    return "" if seen["invocations"] >= 2 else f"**{seen['invocations']} of 2 invocations**"


def shrink(account: Account, name: str, row: Row) -> str:
    """Shrink by what the log tells; nothing that the function needs may be gone."""
    account.ldeploy("shrink", name, "--from-logs", "--yes")
    decisions = json.loads((account.folder / f".ldeploy/{name}/whitelist.json").read_text())["decisions"]
    kept = {path for path, decision in decisions.items() if decision["kept"]}
    row.sizes = f"{len(kept & FILES.keys())} of {len(FILES)} files"
    return f"**lost: {', '.join(sorted(NEEDED - kept))}**" if NEEDED - kept else ""


def compare(functions: Any, name: str, machine: str, runtime: str) -> str:
    """Invoke the slim function: it must answer as expected, on the machine that was asked for."""
    answer = invoke(functions, name)
    expected = ["used", "late", ["one.py"], "child", True, "read"]
    where = [runtime.removeprefix("python"), {"x86_64": "x86_64", "arm64": "aarch64"}[machine]]
    return "" if answer[:6] == expected and answer[6:] == where else f"**{answer}**"


def restore(account: Account, functions: Any, name: str) -> str:
    """Restore: the code is that of the full package, and nothing of the probe is there."""
    first = functions.get_function_configuration(FunctionName=name, Qualifier="1")
    account.ldeploy("restore", name, "--yes")
    now = functions.get_function_configuration(FunctionName=name)
    same = [now.get(key) == first.get(key) for key in ("CodeSha256", "Environment", "Layers", "Timeout", "MemorySize")]
    return "" if all(same) else "**not as before**"


def invoke(functions: Any, name: str) -> Any:
    """Return what the function answers.

    Raises:
        RuntimeError: it failed.
    """
    answer = functions.invoke(FunctionName=name, Payload=b"{}")
    value = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise RuntimeError(f"the function failed: {str(value)[:600]}")
    return value


def take_away(account: Account, before: set[int]) -> None:
    """Take away everything whose name begins with the trial's, and the versions of the layer that were not there."""
    functions, logs, storage = (account.client(service) for service in ("lambda", "logs", "s3"))
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(account.name):
                functions.delete_function(FunctionName=function["FunctionName"])
    for version in layer_versions(account) - before:
        functions.delete_layer_version(LayerName=LAYER, VersionNumber=version)
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{account.name}"):
        for group in page["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])
    with suppress(ClientError):
        for page in storage.get_paginator("list_object_versions").paginate(Bucket=account.name):
            for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                storage.delete_object(Bucket=account.name, Key=item["Key"], VersionId=item["VersionId"])
        storage.delete_bucket(Bucket=account.name)
    roles = account.client("iam")
    with suppress(ClientError):  # the user's own was used
        roles.delete_role_policy(RoleName=account.name, PolicyName="logs")
    with suppress(ClientError):
        roles.delete_role(RoleName=account.name)


def tell(rows: list[Row]) -> None:
    """Print the table, and what to report."""
    print("| runtime | " + " | ".join(STEPS) + " | faults of the probe | kept |")
    print("| --- " * (len(STEPS) + 3) + "|")
    for row in rows:
        print(row)
    print(
        "\nPlease report this table, with the region and the date. Where a cell is not `ok`, or the probe names faults,"
    )
    print("add what was printed above it, and the output of `ldeploy status` on a function of that runtime.")
    print("Everything that was made is taken away.")


if __name__ == "__main__":
    sys.exit(main())
