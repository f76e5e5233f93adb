"""The environment of a function, as Lambda sets it; nothing of the host's leaks in."""

import os
from collections.abc import Mapping
from typing import Final

from deployer.local.sandbox.deployment import Deployment

INHERITED: Final = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NVPL_BLAS_DEBUG_CPU_TYPE")
"""What says how numerical libraries run on this very machine."""

CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
}
"""Accepted by the embedded AWS and by nothing else."""

LIBRARIES: Final = "/var/lang/lib /lib64 /usr/lib64 /var/runtime /var/runtime/lib /var/task /var/task/lib /opt/lib"
PROGRAMS: Final = "/var/lang/bin /usr/local/bin /usr/bin/ /bin /opt/bin"
WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
MOVED: Final = ("/var/lang", "/var/runtime", "/var/task", "/opt")


def function_environment(
    deployment: Deployment, stream: str, runtime_api: str, endpoint: str, root: str = ""
) -> dict[str, str]:
    """Return every variable that a function sees.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, and the image for Python 3.11.

    Args:
        deployment: the function; its own variables come last, but cannot replace Lambda's.
        stream: name of the sandbox's log stream.
        runtime_api: ``host:port``.
        endpoint: URL of the embedded AWS, so that the function's own AWS calls reach it.
        root: prefix of Lambda's folders where no namespace puts them at their place.
    """
    logs = deployment.logs
    lambdas = {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": deployment.region,
        "AWS_REGION": deployment.region,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(deployment.memory),
        "AWS_LAMBDA_FUNCTION_NAME": deployment.name,
        "AWS_LAMBDA_FUNCTION_VERSION": deployment.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": logs.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
        "LAMBDA_RUNTIME_DIR": f"{root}/var/runtime",
        "LAMBDA_TASK_ROOT": f"{root}/var/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": search_path(LIBRARIES, root),
        "PATH": search_path(PROGRAMS, root),
        "TZ": ":UTC",
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": deployment.handler,
    }
    if root:
        lambdas["TMPDIR"] = f"{root}/tmp"  # noqa: S108 (below the sandbox's own folder)
    if logs.json:
        lambdas |= {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": logs.application_level}
    own = dict(deployment.variables)
    if own.get(WRAPPER, "").startswith(MOVED):
        own[WRAPPER] = root + own[WRAPPER]
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, **defaults(lambdas), **own, **reserved(lambdas)}


def search_path(folders: str, root: str) -> str:
    """Join folders by colons, Lambda's own below ``root``."""
    return ":".join(root + folder if folder.startswith(MOVED) else folder for folder in folders.split())


OVERRIDABLE: Final = ("LANG", "LD_LIBRARY_PATH", "PATH", "TZ", "AWS_ENDPOINT_URL", "AWS_XRAY_CONTEXT_MISSING")


def defaults(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a function's own may replace."""
    return {name: value for name, value in variables.items() if name in OVERRIDABLE}


def reserved(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a function's own may not replace."""
    return {name: value for name, value in variables.items() if name not in OVERRIDABLE}
