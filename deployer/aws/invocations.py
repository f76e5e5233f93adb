"""Lambda: one invocation at a time, each sent once."""

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.aws.functions import Functions
from deployer.aws.translate import translate_errors

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

THROTTLED_S: Final = 4
"""Seconds for which a throttled invocation, which did nothing, is tried again."""


@dataclass(frozen=True)
class Reply:
    """The answer to an invocation."""

    payload: bytes
    error: str
    """Empty, or Lambda's ``Handled`` / ``Unhandled``."""
    log: str = ""
    """The end of the invocation's log, 4 KB at most: its REPORT line is in it."""


@dataclass(frozen=True)
class Invocations:
    """Invokes the functions of one account and region."""

    functions: Functions
    client: "LambdaClient"
    """One that repeats nothing: where an answer is lost, the event may have done its work."""

    def invoke(self, name: str, payload: bytes, version: str = "$LATEST") -> Reply:
        """Invoke the function once and wait for the answer; a function that raises is an answer, not an error.

        Raises:
            CloudError: there is no answer, or it was lost; the event is not sent again then.
        """
        reply = self.functions.patiently(  # a version just published is still pending for a while
            f"invoke {name}",
            lambda: self.client.invoke(FunctionName=name, Payload=payload, Qualifier=version, LogType="Tail"),
            throttled=THROTTLED_S,
        )
        log = base64.b64decode(reply.get("LogResult", "")).decode("utf-8", "replace")
        with translate_errors(f"read the answer of {name}"):
            return Reply(reply["Payload"].read(), reply.get("FunctionError", ""), log)
