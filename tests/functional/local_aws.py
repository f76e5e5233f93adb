"""A user of the embedded AWS: boto3 clients, and functions made of a few lines of source."""

import json
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from deployer.local import LocalAws
from deployer.local.sandbox.instance import Limits
from tests.images import ARCHITECTURE, CHOSEN, TWIN, chosen_images
from tests.zips import packed

CODE = "def handler(e, c): return 1"
RUNTIME = CHOSEN.runtime if CHOSEN else f"python3.{sys.version_info.minor}"
"""The one at hand, or that of the image that is chosen."""
ROLE = "arn:aws:iam::123456789012:role/any"
ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=600 if TWIN else 60)


@dataclass(frozen=True)
class Result:
    """What an invocation gave."""

    value: Any
    error: str | None
    log: str
    request: str
    version: str


@dataclass(frozen=True)
class Cloud:
    """One embedded AWS and its clients."""

    aws: LocalAws
    functions: Any
    storage: Any
    logs: Any

    def create(self, name: str, source: str | Mapping[str, str], **settings: Any) -> dict[str, Any]:
        """A function that can be called when this returns; ``app.handler`` where nothing else is said."""
        files = {"app.py": source} if isinstance(source, str) else source
        image = {"Runtime": RUNTIME, "Architectures": [ARCHITECTURE]}
        defaults = {"Role": ROLE, "Handler": "app.handler", "Timeout": 10, **image}
        code = settings.pop("Code", None) or {"ZipFile": packed(files)}
        answer = self.functions.create_function(FunctionName=name, Code=code, **{**defaults, **settings})
        self.settle(name)
        return dict(answer)

    def settle(self, name: str) -> None:
        """Wait for the end of what is in progress."""
        while True:
            state = self.functions.get_function_configuration(FunctionName=name)
            if state["State"] == "Active" and state["LastUpdateStatus"] == "Successful":
                return
            time.sleep(0.01)

    def invoke(self, name: str, event: Any = None, **settings: Any) -> Result:
        """Call a function and wait."""
        payload = json.dumps({} if event is None else event)
        answer = self.functions.invoke(FunctionName=name, Payload=payload, LogType="Tail", **settings)
        return Result(
            json.loads(answer["Payload"].read() or "null"),
            answer.get("FunctionError"),
            b64decode(answer["LogResult"]).decode(),
            answer["ResponseMetadata"]["RequestId"],
            answer["ExecutedVersion"],
        )

    def messages(self, name: str, group: str | None = None) -> list[str]:
        """Every line of a function's log."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group or f"/aws/lambda/{name}")
        return [event["message"] for page in pages for event in page["events"]]

    def write_log(self, name: str, *messages: str, at: int | None = None) -> None:
        """Lines in a stream of their own, as a sandbox writes them; now, or at a time in milliseconds since 1970."""
        group, stream = f"/aws/lambda/{name}", f"stream-{uuid4().hex}"
        with suppress(self.logs.exceptions.ResourceAlreadyExistsException):
            self.logs.create_log_group(logGroupName=group)
        self.logs.create_log_stream(logGroupName=group, logStreamName=stream)
        moment = time.time_ns() // 1_000_000 if at is None else at
        events = [{"timestamp": moment, "message": message} for message in messages]
        self.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@contextmanager
def cloud(**settings: Any) -> Iterator[Cloud]:
    """An embedded AWS with nothing in it."""
    patience = {"limits": Limits(start_up=60)} if TWIN else {}
    with LocalAws(**{"settle": 0.05, "images": chosen_images(), **patience, **settings}) as aws:
        clients = [client(aws, service) for service in ("lambda", "s3", "logs")]
        try:
            yield Cloud(aws, *clients)
        finally:
            for each in clients:
                each.close()


def client(aws: LocalAws, service: str, region: str = "us-east-1", config: Config = ONCE) -> Any:
    """As anyone would make it."""
    by_name: Any = boto3.client  # its overloads know no service by a variable
    return by_name(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=config,
    )


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[int, str, str]:
    """Status, code and text of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def spec(name: str, **settings: Any) -> dict[str, Any]:
    """What CreateFunction takes."""
    base = {
        "Role": ROLE,
        "Runtime": RUNTIME,
        "Handler": "app.handler",
        "Code": {"ZipFile": packed({"app.py": CODE})},
    }
    return {"FunctionName": name, **base, **settings}
