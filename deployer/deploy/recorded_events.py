"""A folder of events: one JSON file an invocation."""

import json
from collections.abc import Iterator
from pathlib import Path

from deployer.errors import UsageError
from deployer.limits import PAYLOAD


def check_events(folder: Path) -> None:
    """Whether every event can be sent.

    Raises:
        UsageError: the folder holds none, or a file is not JSON or over Lambda's 6 MB.
    """
    for _ in read_events(folder):
        pass


def read_events(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(file name, payload) of each JSON file of a folder.

    Raises:
        UsageError: the folder is not there or holds none, or a file is not JSON or over Lambda's 6 MB.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise UsageError(f"There are no *.json files in {folder}.", "Give a folder with one event a file.")
    for file in files:
        payload = file.read_bytes()
        try:
            json.loads(payload)
        except ValueError as error:
            raise UsageError(f"{file} is not JSON: {error}.", "Each event is one JSON document.") from error
        if len(payload) > PAYLOAD:
            raise UsageError(f"{file} has {len(payload):,} bytes.", f"Lambda takes {PAYLOAD:,} at most.")
        yield file.name, payload
