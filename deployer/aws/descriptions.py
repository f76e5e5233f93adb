"""Lambda's description of a function as ours, and ours as Lambda's parameters."""

import base64
from datetime import datetime
from typing import Any

from deployer.aws.translate import translate_errors
from deployer.errors import DeniedError
from deployer.models.function import Configuration, Function, StoredZip


def read_function(answer: dict[str, Any]) -> Function:
    """Return what Lambda tells of a function, or of a version of it."""
    with translate_errors("find the function"):
        return _function(answer)


def _function(found: dict[str, Any]) -> Function:
    name = found["FunctionName"]
    environment = found.get("Environment", {})
    if unreadable := environment.get("Error"):  # without this check an empty environment would be deployed
        raise DeniedError(
            f"The environment of {name} cannot be read: {unreadable.get('Message', 'no reason given')}",
            "Allow kms:Decrypt with its key to whoever runs ldeploy.",
        )
    return Function(
        name=name,
        arn=found["FunctionArn"],
        configuration=Configuration(
            runtime=found.get("Runtime", ""),
            handler=found.get("Handler", ""),
            role=found["Role"],
            architecture=found.get("Architectures", ["x86_64"])[0],
            memory=found.get("MemorySize", 128),
            timeout=found.get("Timeout", 3),
            storage=found.get("EphemeralStorage", {}).get("Size", 512),
            environment=environment.get("Variables", {}),
            layers=tuple(layer["Arn"] for layer in found.get("Layers") or ()),
        ),
        code_sha256=base64.b64decode(found.get("CodeSha256", "")).hex(),
        code_size=found.get("CodeSize", 0),
        revision=found.get("RevisionId", ""),
        package_type=found.get("PackageType", "Zip"),
        log_group=found.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}",
        log_level=found.get("LoggingConfig", {}).get("ApplicationLogLevel") or "",
        vpc=found.get("VpcConfig", {}).get("VpcId") or "",
        snap_start=found.get("SnapStart", {}).get("ApplyOn", "None") != "None",
        modified=int(datetime.fromisoformat(found["LastModified"]).timestamp() * 1000),
    )


def place_of(code: StoredZip) -> Any:
    """Return where Lambda finds a zip."""
    version = {"S3ObjectVersion": code.version} if code.version else {}
    return {"S3Bucket": code.bucket, "S3Key": code.key, **version}


def settings_of(wanted: Configuration, now: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of CreateFunction and UpdateFunctionConfiguration that differ from the present ones."""
    settings: dict[str, Any] = {
        "Runtime": wanted.runtime,
        "Handler": wanted.handler,
        "Role": wanted.role,
        "MemorySize": wanted.memory,
        "Timeout": wanted.timeout,
        "EphemeralStorage": {"Size": wanted.storage},
        "Environment": {"Variables": dict(wanted.environment)},
        "Layers": list(wanted.layers),
    }
    return {name: value for name, value in settings.items() if now.get(name) != value}
