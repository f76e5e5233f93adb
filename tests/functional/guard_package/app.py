"""Runs an asker of the package in a process of its own, as if nothing had been asked for before."""

import json
import os
import shutil
import subprocess
import sys


def handler(event, context):
    shutil.rmtree("/tmp/.ldeploy-guard", ignore_errors=True)
    for path in os.listdir("/tmp"):
        if path.startswith(("copied", "packed")):
            os.system(f"rm -rf /tmp/{path}")
    command = [sys.executable, "askers.py", event["ask"]]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    lines = done.stdout.splitlines()
    said = [line for line in [*lines, *done.stderr.splitlines()] if "ldeploy-guard/1" in line]
    print("\n".join(said))
    return json.loads(lines[-1]) if lines else [done.returncode, done.stderr[-500:]]
