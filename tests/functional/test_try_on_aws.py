"""What a user runs to try ldeploy on AWS, run against the AWS on this machine."""

import subprocess
import sys
from pathlib import Path

from tests.functional.local_aws import RUNTIME, client, cloud

ROOT = Path(__file__).parents[2]


def test_the_trial_goes_the_whole_loop_and_takes_everything_away() -> None:
    other = "python3.10" if RUNTIME != "python3.10" else "python3.12"
    command = [sys.executable, str(ROOT / "scripts/try_on_aws.py"), "--region", "us-east-1"]
    with cloud() as here:
        done = subprocess.run(
            [*command, f"{RUNTIME}-x86_64", f"{other}-x86_64"],
            env=here.aws.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        roles = client(here.aws, "iam")
        left = [
            *here.functions.list_functions()["Functions"], *here.functions.list_layers()["Layers"],
            *here.storage.list_buckets()["Buckets"], *here.logs.describe_log_groups()["logGroups"],
            *roles.list_roles()["Roles"],
        ]  # fmt: skip
        roles.close()
    assert done.returncode == 1, "the other runtime is not at hand here, and that must be told"
    rows = {line.split(" |")[0]: line for line in done.stdout.splitlines() if line.startswith("| python")}
    assert " | ok | ok | ok | ok | ok |  | 7 of 9 files |" in rows[f"| {RUNTIME}-x86_64"], done.stderr
    assert "**failed**" in rows[f"| {other}-x86_64"]
    assert left == []
