"""A function, a published version and a layer version: moto's records with everything that Lambda keeps of them."""

import base64
import copy
import time
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.awslambda.policy import Policy
from moto.core.utils import iso_8601_datetime_with_nanoseconds

from deployer.local.context import LocalContext
from deployer.local.functions import rules
from deployer.local.sandbox.code_store import Stored
from deployer.local.sandbox.deployment import Deployment, LogSettings
from deployer.local.sandbox.runtime_api import Invocation

DEFAULTS: Final[Mapping[str, Any]] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "PackageType": "Zip",
    "Architectures": ["x86_64"],
    "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512},
    "SnapStart": {"ApplyOn": "None"},
    "Layers": [],
}
CHANGEABLE: Final = (
    *("Description", "Handler", "Role", "Runtime", "Timeout", "MemorySize", "Environment", "Layers", "VpcConfig"),
    *("DeadLetterConfig", "KMSKeyArn", "TracingConfig", "EphemeralStorage", "LoggingConfig", "SnapStart"),
    *("FileSystemConfigs", "ImageConfig"),
)
"""What UpdateFunctionConfiguration changes."""
FIXED: Final = ("PackageType", "Architectures")


class LocalLayerVersion(LayerVersion):  # type: ignore[misc]
    """A layer version whose content lies in the store."""

    stored: Stored
    local: LocalContext

    @property
    def physical_resource_id(self) -> str:
        """What a stack's ``Ref`` gives."""
        return str(self.arn)

    def get_layer_version(self) -> dict[str, Any]:
        """Return GetLayerVersion's answer, with a URL that works."""
        answer: dict[str, Any] = super().get_layer_version()
        answer["Content"]["Location"] = self.local.download_url(self.stored.sha256)
        return answer


class Function(LambdaFunction):  # type: ignore[misc]
    """A function's $LATEST, or, copied, one of its versions.

    Args:
        spec: as CreateFunction takes it.
        stored: its code.
        layers: what its layers' ARNs stand for, in order.
    """

    template: Mapping[str, Any] = MappingProxyType({})
    """The properties that the template of its stack gave it last."""

    def __init__(
        self,
        account: str,
        region: str,
        spec: dict[str, Any],
        stored: Stored,
        layers: tuple[LocalLayerVersion, ...],
        local: LocalContext,
    ) -> None:
        self.stored, self.local = stored, local
        self.settings = settings_of(spec)
        self.layer_versions = layers
        super().__init__(account, {**spec, **self.settings}, region, version="$LATEST")
        self._ready_at = 0.0
        self._before: Deployment | None = None
        self._created = True
        self.next_version = 1
        self._touch(created=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Function":
        return copy.copy(self)

    def _set_function_code(self, updated_spec: dict[str, Any]) -> None:  # noqa: ARG002 (moto's signature)
        self.code_size = self.stored.size
        self.code_digest = self.stored.sha256
        self.code_sha_256 = base64.b64encode(bytes.fromhex(self.stored.sha256)).decode()

    # -- states ------------------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Neither Pending nor in the middle of an update."""
        return time.monotonic() >= self._ready_at

    @property
    def pending(self) -> bool:
        """Created and not yet to be called."""
        return self._created and not self.settled

    def check_settled(self) -> None:
        """Check that no update is in progress, before anything that changes the function.

        Raises:
            ResourceConflictError: not yet.
        """
        if self.settled:
            return
        cannot = "The operation cannot be performed at this time."
        if self._created:
            raise rules.ResourceConflictError(f"{cannot} The function is currently in the following state: Pending")
        raise rules.ResourceConflictError(f"{cannot} An update is in progress for resource: {self.function_arn}")

    def check_revision(self, revision: str | None) -> None:
        """Check the caller's RevisionId, where one is given.

        Raises:
            PreconditionFailedError: something else changed the function meanwhile.
        """
        if revision and revision != self.revision:
            raise rules.PreconditionFailedError()

    def _touch(self, *, created: bool = False) -> None:
        self._before = None if created else self.deployment()
        self._created = created
        self.revision = str(uuid.uuid4())
        self.last_modified = iso_8601_datetime_with_nanoseconds()
        self._ready_at = time.monotonic() + self.local.settle

    def change(
        self,
        settings: Mapping[str, Any] | None = None,
        layers: tuple[LocalLayerVersion, ...] | None = None,
        stored: Stored | None = None,
    ) -> None:
        """Accept an update: invocations see it once it has settled."""
        self._touch()
        self.settings = {**self.settings, **(settings or {})}
        self.layer_versions = self.layer_versions if layers is None else layers
        self.stored = stored or self.stored
        self._set_function_code({})
        self._mirror()

    def _mirror(self) -> None:
        """Set the fields that other parts of moto read."""
        self.role, self.handler = self.settings["Role"], self.settings.get("Handler")
        self.run_time, self.timeout = self.settings.get("Runtime"), self.settings["Timeout"]
        self.description, self.memory_size = self.settings["Description"], self.settings["MemorySize"]

    def publish_version(self, description: str | None) -> "Function":
        """Return a version: a frozen copy of what there is now."""
        version = copy.copy(self)
        version.set_version(self.next_version)
        version.policy = Policy(version)
        version.settings = {**self.settings, **({"Description": description} if description else {})}
        version.event_invoke_config = []
        self.next_version += 1
        version._touch(created=True)
        return version

    def same_as(self, version: "Function") -> bool:
        """Return whether nothing changed since a version was published."""
        mine, theirs = ({**f.settings, "Description": ""} for f in (self, version))
        return self.stored == version.stored and mine == theirs

    # -- answers -----------------------------------------------------------------------------------------------

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:  # noqa: ARG002 (moto's signature)
        """Return GetFunctionConfiguration's answer."""
        answer = {key: self.settings.get(key) for key in (*CHANGEABLE, *FIXED)} | {
            "FunctionName": self.function_name,
            "FunctionArn": self.function_arn,
            "Version": str(self.version),
            "CodeSha256": self.code_sha_256,
            "CodeSize": self.code_size,
            "LastModified": self.last_modified,
            "RevisionId": self.revision,
            "Layers": [{"Arn": layer.arn, "CodeSize": layer.stored.size} for layer in self.layer_versions],
            "LoggingConfig": self._logging(),
            "SnapStart": {**self.settings["SnapStart"], "OptimizationStatus": "Off"},
            "VpcConfig": vpc(self.settings.get("VpcConfig")),
            **self._state(),
        }
        image = answer.pop("ImageConfig")
        answer["ImageConfigResponse"] = {"ImageConfig": image} if image else None
        return {key: value for key, value in answer.items() if key == "Description" or not empty(value)}

    def _state(self) -> dict[str, str]:
        if self.settled:
            return {"State": "Active", "LastUpdateStatus": "Successful"}
        why = {"Reason": "The function is being created.", "ReasonCode": "Creating"}
        if self._created:
            return {"State": "Pending", **{f"State{key}": text for key, text in why.items()}}
        return {
            "State": "Active",
            "LastUpdateStatus": "InProgress",
            **{f"LastUpdateStatus{key}": text for key, text in why.items()},
        }

    def _logging(self) -> dict[str, str]:
        group = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"}
        chosen = {**group, **(self.settings.get("LoggingConfig") or {})}
        levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
        return {**levels, **chosen} if chosen["LogFormat"] == "JSON" else chosen

    def get_code(self) -> dict[str, Any]:
        """Return GetFunction's answer."""
        answer: dict[str, Any] = super().get_code()
        answer["Code"] = {"RepositoryType": "S3", "Location": self.local.download_url(self.stored.sha256)}
        return answer

    def invoke(self, body: str, request_headers: Any, response_headers: Any) -> bytes:  # noqa: ARG002 (moto's)
        """Begin an invocation for another service, as with an Event; nobody waits for its answer."""
        self.local.pool.submit(
            self.deployment(), Invocation(str(uuid.uuid4()), body.encode(), self.function_arn, 0, None)
        )
        return b""

    def deployment(self) -> Deployment:
        """Return what to run now: while an update is in progress, still what was there before."""
        if self._before and not self.settled:
            return self._before
        logging = self._logging()
        own = f"/aws/lambda/{self.function_name}"
        group = logging["LogGroup"]
        return Deployment(
            account=self.account_id,
            region=self.region,
            name=self.function_name,
            version=str(self.version),
            revision=self.revision,
            handler=self.settings["Handler"],
            runtime=self.settings["Runtime"],
            architecture=self.settings["Architectures"][0],
            memory=self.settings["MemorySize"],
            timeout=self.settings["Timeout"],
            logs=LogSettings(
                group,
                shared=group != own,
                json=logging["LogFormat"] == "JSON",
                application_level=logging.get("ApplicationLogLevel", "INFO"),
                system_level=logging.get("SystemLogLevel", "INFO"),
            ),
            code=self.stored.sha256,
            layers=tuple(layer.stored.sha256 for layer in self.layer_versions),
            variables=(self.settings.get("Environment") or {}).get("Variables") or {},
        )


def settings_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function's configuration from CreateFunction's request, with defaults filled in."""
    given = {key: spec[key] for key in (*CHANGEABLE, *FIXED) if spec.get(key) is not None}
    return {**DEFAULTS, **given}


def empty(value: object) -> bool:
    """Return whether a setting holds nothing: Lambda then omits it (``{"Variables": {}}``, ``{"TargetArn": ""}``)."""
    return all(map(empty, value.values())) if isinstance(value, dict) else value in (None, "", [])


def vpc(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return VpcConfig with the VPC's id, which AWS adds; without subnets there is none."""
    if not config or not config.get("SubnetIds"):
        return None
    return {"Ipv6AllowedForDualStack": False, **config, "VpcId": "vpc-local"}
