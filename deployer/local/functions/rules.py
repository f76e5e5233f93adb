"""Lambda's rules, with Lambda's own error codes and texts. Values in, an exception or nothing out.

Sources: https://docs.aws.amazon.com/lambda/latest/api/ (errors of each operation), and texts as seen in reports of
deployments that failed.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from moto.awslambda.exceptions import LambdaClientError

from deployer import limits

ROLE: Final = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
RESERVED_VARIABLES: Final = frozenset(
    (
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN"),
        *("AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_NAME"),
        *("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API"),
        *("_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    )
)
REQUEST_BYTES: Final = 70_167_211
"""A whole request to create or update a function: a zip of 50 MB in base64."""
PAYLOAD_BYTES: Final = limits.PAYLOAD
ANSWER_BYTES: Final = 6_291_556
EVENT_PAYLOAD_BYTES: Final = 1024 * 1024


class InvalidParameterValueError(LambdaClientError):  # type: ignore[misc]
    """400."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidParameterValueException", message)


class ValidationError(LambdaClientError):  # type: ignore[misc]
    """400, in the form that API models give."""

    def __init__(self, value: object, name: str, constraint: str) -> None:
        text = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"
        super().__init__("ValidationException", text)


class TooLargeError(LambdaClientError):  # type: ignore[misc]
    """413."""

    code = 413

    def __init__(self, error: str, largest: int, operation: str) -> None:
        super().__init__(error, f"Request must be smaller than {largest} bytes for the {operation} operation")


class ResourceConflictError(LambdaClientError):  # type: ignore[misc]
    """409."""

    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ResourceConflictException", message)


class PreconditionFailedError(LambdaClientError):  # type: ignore[misc]
    """412."""

    code = 412

    def __init__(self, kind: str = "Function/GetAlias") -> None:
        text = f"The RevisionId provided does not match the latest RevisionId. Call the Get{kind} API to retrieve "
        super().__init__("PreconditionFailedException", f"{text}the latest RevisionId for your resource.")


class NotFoundError(LambdaClientError):  # type: ignore[misc]
    """404."""

    code = 404

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFoundException", message)


class TooManyRequestsError(LambdaClientError):  # type: ignore[misc]
    """429."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


def check_configuration(settings: Mapping[str, Any]) -> None:
    """Check a function's whole configuration, as it would be after a request.

    Raises:
        LambdaClientError: Lambda would refuse it.
    """
    if not re.fullmatch(ROLE, role := settings.get("Role") or ""):
        raise ValidationError(role, "role", f"Member must satisfy regular expression pattern: {ROLE}")
    if settings["PackageType"] == "Zip" and not (settings.get("Runtime") and settings.get("Handler")):
        raise InvalidParameterValueError(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    check_range(settings["MemorySize"], "memorySize", 128, 10_240)
    check_range(settings["Timeout"], "timeout", 1, 900)
    check_range(settings["EphemeralStorage"]["Size"], "ephemeralStorage.size", 512, 10_240)
    check_environment((settings.get("Environment") or {}).get("Variables") or {})
    check_layers(settings.get("Layers") or ())


def check_range(value: int, name: str, lowest: int, highest: int) -> None:
    """Check that a number is within its bounds.

    Raises:
        ValidationError: it is not.
    """
    if value < lowest:
        raise ValidationError(value, name, f"Member must have value greater than or equal to {lowest}")
    if value > highest:
        raise ValidationError(value, name, f"Member must have value less than or equal to {highest}")


def check_environment(variables: Mapping[str, str]) -> None:
    """Check for Lambda's own names and for 4 KB in all; the text echoes every value, as Lambda's does.

    Raises:
        InvalidParameterValueError: refused.
    """
    unable = "Lambda was unable to configure your environment variables because the environment variables you have "
    if taken := [name for name in variables if name in RESERVED_VARIABLES]:
        raise InvalidParameterValueError(
            f"{unable}provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(taken)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > limits.ENVIRONMENT:
        raise InvalidParameterValueError(f"{unable}provided exceeded the 4KB limit. String measured: {measured}")


def check_layers(arns: Sequence[str]) -> None:
    """Check that there are at most five layers, each once.

    Raises:
        InvalidParameterValueError: refused.
    """
    if len(arns) > limits.LAYERS:
        raise InvalidParameterValueError(f"Cannot reference more than {limits.LAYERS} layers.")
    names: dict[str, str] = {}
    for arn in arns:
        first = names.setdefault(arn.rpartition(":")[0], arn)
        if first != arn:
            raise InvalidParameterValueError(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{first} and {arn}"
            )


def check_unzipped(code: int, layers: Sequence[int] = ()) -> None:
    """Check the size of the code, then of code and layers together.

    Raises:
        InvalidParameterValueError: over 262,144,000 bytes.
    """
    if code >= limits.UNZIPPED:
        raise InvalidParameterValueError(f"Unzipped size must be smaller than {limits.UNZIPPED} bytes")
    if (total := code + sum(layers)) > limits.UNZIPPED:
        raise InvalidParameterValueError(
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{limits.UNZIPPED} bytes. The actual size is {total} bytes."
        )


def check_request(size: int, operation: str) -> None:
    """Check the size of a request that carries a zip.

    Raises:
        TooLargeError: over 50 MB of zip.
    """
    if size > REQUEST_BYTES:
        raise TooLargeError("RequestEntityTooLargeException", REQUEST_BYTES, operation)


def check_payload(payload: bytes, *, event: bool) -> None:
    """Check an invocation's payload: its size, and that it is JSON.

    Raises:
        LambdaClientError: refused.
    """
    largest = EVENT_PAYLOAD_BYTES if event else PAYLOAD_BYTES
    if len(payload) > largest:
        raise TooLargeError("RequestTooLargeException", largest, "InvokeFunction")
    try:
        json.loads(payload)
    except ValueError as error:
        text = f"Could not parse request body into json: {error}"
        raise LambdaClientError("InvalidRequestContentException", text) from None


def check_weights(routing: Mapping[str, Any] | None, version: str) -> Collection[str]:
    """Check an alias's second version and its share; return that version, where there is one.

    Raises:
        InvalidParameterValueError: refused.
    """
    weights = (routing or {}).get("AdditionalVersionWeights") or {}
    if weights and version == "$LATEST":
        raise InvalidParameterValueError("$LATEST is not supported for an alias pointing to more than 1 version")
    if len(weights) > 1:
        raise InvalidParameterValueError("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if version in weights:
        raise InvalidParameterValueError(
            f"Invalid function version {version}. "
            f"Function version {version} is already included in routing configuration."
        )
    return list(weights)
