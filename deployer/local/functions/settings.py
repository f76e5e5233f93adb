"""Lambda's settings that moto has no answer for: real answers where nothing can be set here."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from moto.awslambda.utils import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError

from deployer.limits import UNZIPPED, ZIPPED_DIRECT

Environ = Mapping[str, Any]
Answer = tuple[str, dict[str, Any]]
"""HTTP status and document."""

_REGION: Final = re.compile(r"Credential=[^/]+/\d+/([^/]+)/lambda/")
_CONCURRENCY: Final = 1000
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def answer(operation: str, environ: Environ) -> Answer | None:
    """Return what Lambda would answer, or None for an operation that is not among these."""
    made = ANSWERS.get(operation)
    return made(environ) if made else None


def _backend(environ: Environ) -> Any:
    signed = _REGION.search(environ.get("HTTP_AUTHORIZATION", ""))
    return get_backend(DEFAULT_ACCOUNT_ID, signed[1] if signed else "us-east-1")


def _account(environ: Environ) -> Answer:
    functions = list(_backend(environ).list_functions())
    limits = {"TotalCodeSize": 80_530_636_800, "CodeSizeUnzipped": UNZIPPED, "CodeSizeZipped": ZIPPED_DIRECT}
    concurrency = {"ConcurrentExecutions": _CONCURRENCY, "UnreservedConcurrentExecutions": _CONCURRENCY}
    usage = {"TotalCodeSize": sum(one.code_size for one in functions), "FunctionCount": len(functions)}
    return "200 OK", {"AccountLimit": limits | concurrency, "AccountUsage": usage}


def _of_function(make: Callable[[str], Answer]) -> Callable[[Environ], Answer]:
    def answered(environ: Environ) -> Answer:
        name = unquote(environ["PATH_INFO"].split("/")[3])
        qualifier = parse_qs(environ.get("QUERY_STRING", "")).get("Qualifier", [None])[0]
        try:
            return make(_backend(environ).get_function(name, qualifier).function_arn)
        except JsonRESTError:
            text = f"Function not found: {name}"
            return "404 Not Found", {"__type": "ResourceNotFoundException", "Message": text, "Type": "User"}

    return answered


def _urls(environ: Environ) -> Answer:
    backend, name = _backend(environ), unquote(environ["PATH_INFO"].split("/")[3])
    found = [url.to_dict(backend.local.endpoint) for url in backend.function_urls.of(name)]
    answered = _of_function(lambda _: ("200 OK", {"FunctionUrlConfigs": found}))
    return answered(environ)


def _provisioned(_: str) -> Answer:
    text = "No Provisioned Concurrency Config found for this function"
    return "404 Not Found", {"__type": "ProvisionedConcurrencyConfigNotFoundException", "Message": text}


ANSWERS: Final[Mapping[str, Callable[[Environ], Answer]]] = {
    "lambda.ListFunctionUrlConfigs": _urls,
    "lambda.GetAccountSettings": _account,
    "lambda.GetProvisionedConcurrencyConfig": _of_function(_provisioned),
    "lambda.ListProvisionedConcurrencyConfigs": _of_function(
        lambda _: ("200 OK", {"ProvisionedConcurrencyConfigs": []})
    ),
    "lambda.GetRuntimeManagementConfig": _of_function(
        lambda arn: ("200 OK", {"UpdateRuntimeOn": "Auto", "FunctionArn": arn})
    ),
    "lambda.GetFunctionRecursionConfig": _of_function(lambda _: ("200 OK", {"RecursiveLoop": "Terminate"})),
}
