"""Faults on request, and the journal of the calls that came in.

``POST /_ldeploy/faults`` orders one: ``{"operation": "lambda.Invoke", "kind": "throttle", "times": 2, "skip": 0}``
(``*`` and ``lambda.*`` fit any); ``DELETE`` takes all back. ``GET /_ldeploy/journal`` gives the names of the
operations that came in, in order; ``DELETE`` empties it.
"""

import json
import threading
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import assert_never

from botocore.exceptions import UnknownServiceError
from botocore.session import Session

from deployer.local.needs import action_of


class Kind(StrEnum):
    """What goes wrong."""

    THROTTLE = "throttle"
    """429, or 503 SlowDown for S3."""
    ERROR = "error"
    """500."""
    DENY = "deny"
    """403."""
    LOSE_REQUEST = "lose_request"
    """The connection breaks before anything took effect."""
    LOSE_ANSWER = "lose_answer"
    """The connection breaks after it took effect."""
    CUT = "cut"
    """The connection breaks in the middle of the answer."""
    SLOW = "slow"
    """The answer comes a bit at a time, for a second."""


@dataclass
class Fault:
    """One order, counted down."""

    operation: str
    """A name or a pattern: ``lambda.UpdateFunctionCode``, ``s3.*``, ``*``."""
    kind: Kind
    times: int = 1
    skip: int = 0
    """How many fitting calls pass before it."""


class Faults:
    """The faults ordered, and the calls that came in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []
        self._journal: list[str] = []

    def order(self, operation: str, kind: Kind | str, times: int = 1, skip: int = 0) -> None:
        """Let the next ``times`` calls that fit fail, after ``skip`` that pass."""
        with self._lock:
            self._orders.append(Fault(operation, Kind(kind), times, skip))

    def clear(self) -> None:
        """Take all orders back."""
        with self._lock:
            self._orders.clear()

    @property
    def journal(self) -> list[str]:
        """Names of the operations that came in, in order: ``lambda.GetFunction``."""
        with self._lock:
            return list(self._journal)

    def forget(self) -> None:
        """Empty the journal."""
        with self._lock:
            self._journal.clear()

    def meet(self, operation: str) -> Kind | None:
        """Note a call, and say what goes wrong with it."""
        with self._lock:
            self._journal.append(operation)
            for fault in self._orders:
                if not fnmatchcase(operation, fault.operation) or not fault.times:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault.kind
        return None


@dataclass(frozen=True)
class ErrorAnswer:
    """An error as the service would give it."""

    status: str
    code: str
    message: str

    def body(self, service: str) -> tuple[str, bytes]:
        """Return content type and body: XML for S3 and for services of the query protocol, JSON for others."""
        if protocol(service) in {"query", "ec2", "rest-xml"}:
            text = f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
            text = text if service == "s3" else f"<ErrorResponse>{text}</ErrorResponse>"
            return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
        return "application/json", json.dumps({"__type": self.code, "message": self.message}).encode()


@cache
def protocol(service: str) -> str:
    """Return how a service writes its answers, by botocore's model of it; JSON for one that botocore does not know."""
    try:
        return str(Session().get_service_model(service).metadata["protocol"])
    except UnknownServiceError:
        return "json"


def error_answer(kind: Kind, operation: str) -> ErrorAnswer | None:
    """Return what the caller sees; None where the connection just breaks."""
    service = operation.partition(".")[0]
    match kind:
        case Kind.THROTTLE if service == "s3":
            return ErrorAnswer("503 Slow Down", "SlowDown", "Please reduce your request rate.")
        case Kind.THROTTLE:
            code = "TooManyRequestsException" if service == "lambda" else "ThrottlingException"
            return ErrorAnswer("429 Too Many Requests", code, "Rate exceeded")
        case Kind.ERROR:
            code = {"s3": "InternalError", "lambda": "ServiceException"}.get(service, "InternalFailure")
            return ErrorAnswer("500 Internal Server Error", code, "We encountered an internal error.")
        case Kind.DENY:
            code = "AccessDenied" if service == "s3" else "AccessDeniedException"
            who = "User: arn:aws:iam::123456789012:user/test"
            text = f"{who} is not authorized to perform: {action_of(operation)}"
            return ErrorAnswer("403 Forbidden", code, text)
        case Kind.LOSE_REQUEST | Kind.LOSE_ANSWER | Kind.CUT | Kind.SLOW:
            return None
    assert_never(kind)
