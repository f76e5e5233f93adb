"""Lambda: reads a function, and makes the few changes to it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.aws import layers
from deployer.aws.descriptions import place_of, read_function, settings_of
from deployer.aws.translate import code_of, translate_errors
from deployer.errors import CloudError, ConflictError, MissingError
from deployer.models.function import Configuration, Function, StoredZip

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

BUSY = frozenset({"ResourceConflictException", "SnapStartNotReadyException"})
"""409: an update is still in progress."""
THROTTLED = "TooManyRequestsException"
EXISTS = "already exist"
"""In the text of the one 409 that waiting does not repair."""
ROLE_NOT_YET = "cannot be assumed by Lambda"
"""A new role is not known everywhere yet
(https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency)."""
ROLE_WITHIN_S = 30
READY_WITHIN_S = 600
POLL_S = (0.2, 0.5, 1.0, 2.0)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Functions:
    """The functions of one account and region."""

    client: "LambdaClient"

    def find(self, name: str) -> Function | None:
        """Return the function's ``$LATEST``, or None where there is none."""
        try:
            return self.get(name)
        except MissingError:
            return None

    def get(self, name: str) -> Function:
        """Return the function's ``$LATEST`` once no update is in progress, also where the last one failed: the next may
        repair it.

        Raises:
            MissingError: there is no such function.
            DeniedError: its environment cannot be decrypted.
        """
        try:
            return read_function(self._settled(name))
        except MissingError as error:
            where = self.client.meta.region_name
            raise MissingError(
                f"There is no function {name} in {where}.", "Check the name, --region and --profile."
            ) from error

    def get_version(self, name: str, version: str) -> Function:
        """Return a published version of the function."""
        with translate_errors(f"find version {version} of {name}"):
            return read_function(dict(self.client.get_function_configuration(FunctionName=name, Qualifier=version)))

    def code_url(self, name: str, version: str = "$LATEST") -> str:
        """Return a presigned URL of the code that is deployed, or of a version's; good for ten minutes."""
        with translate_errors(f"get the code of {name}"):
            return self.client.get_function(FunctionName=name, Qualifier=version)["Code"]["Location"]

    def signing_policy(self, name: str) -> str:
        """Return what becomes of code that is not signed, ``Enforce`` or ``Warn``; empty where nobody asks."""
        with translate_errors(f"look for a code-signing configuration of {name}"):
            arn = self.client.get_function_code_signing_config(FunctionName=name).get("CodeSigningConfigArn")
            if not arn:
                return ""
            found = self.client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
        return found.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment", "Warn")

    def create(self, name: str, configuration: Configuration, code: StoredZip) -> Function:
        """Create a function from a zip in S3; wait until it is active."""
        self.once(
            f"create the function {name}",
            lambda: self.client.create_function(
                FunctionName=name,
                Code=place_of(code),
                Architectures=[configuration.architecture],
                PackageType="Zip",
                **settings_of(configuration, {}),
            ),
            lambda: _is(self.get(name), code.sha256, configuration),
        )
        return self.ready(name)

    def update_code(self, found: Function, code: StoredZip) -> Function:
        """Deploy another zip, if nobody changed the function since it was found; wait until it is done."""
        self.once(
            f"update the code of {found.name}",
            lambda: self.client.update_function_code(
                FunctionName=found.name, RevisionId=found.revision, **place_of(code)
            ),
            lambda: _is(self.get(found.name), code.sha256, found.configuration),
        )
        return self.ready(found.name)

    def update_configuration(self, found: Function, wanted: Configuration) -> Function:
        """Change the configuration to the wanted one; send only what differs."""
        settings = settings_of(wanted, settings_of(found.configuration, {}))
        if not settings:
            return found
        self.once(
            f"update the configuration of {found.name}",
            lambda: self.client.update_function_configuration(
                FunctionName=found.name, RevisionId=found.revision, **settings
            ),
            lambda: _is(self.get(found.name), found.code_sha256, wanted),
        )
        return self.ready(found.name)

    def publish_version(self, found: Function, note: str) -> str:
        """Publish what was found as a version; Lambda returns the last version again where nothing changed since.

        Raises:
            ConflictError: somebody changed the function since it was found.
        """
        note = note[:256]
        doing = f"publish a version of {found.name}"
        try:
            return self.patiently(
                doing,
                lambda: self.client.publish_version(
                    FunctionName=found.name, Description=note, RevisionId=found.revision
                ),
            )["Version"]
        except ConflictError:
            if version := self._published(found, note):
                return version
            raise

    def _published(self, found: Function, note: str) -> str | None:
        """Return the version with this note that is like the function: of a call of ours whose answer was lost."""
        with translate_errors(f"list the versions of {found.name}"):
            pages = self.client.get_paginator("list_versions_by_function").paginate(FunctionName=found.name)
            noted: list[Any] = [one for page in pages for one in page["Versions"] if one.get("Description") == note]
        last = noted[-1] if noted and noted[-1]["Version"] != "$LATEST" else None
        return last["Version"] if last and _is(read_function(last), found.code_sha256, found.configuration) else None

    def ready(self, name: str) -> Function:
        """Return the function after an update of ours (``LastUpdateStatus``).

        Raises:
            CloudError: the update failed, with Lambda's reason, or takes over ten minutes.
        """
        found = self._settled(name)
        if "Failed" in {found.get("LastUpdateStatus"), found.get("State")}:
            reason = found.get("LastUpdateStatusReason") or found.get("StateReason") or "no reason given"
            raise CloudError(f"The update of {name} failed: {reason}.", "Fix that and run the same command again.")
        return read_function(found)

    def _settled(self, name: str) -> dict[str, Any]:
        """Return Lambda's answer once no update is in progress any more, whatever its result."""
        deadline = time.monotonic() + READY_WITHIN_S
        for pause in _pauses():
            with translate_errors(f"find the function {name}"):
                found = dict(self.client.get_function_configuration(FunctionName=name))
            if found.get("LastUpdateStatus") != "InProgress" and found.get("State") != "Pending":
                return found
            if time.monotonic() > deadline:
                break
            time.sleep(pause)
        raise CloudError(
            f"{name} is still being updated after {READY_WITHIN_S} s.", "Run the same command again later."
        )

    def find_layer(self, layer: str, note: str) -> str | None:
        """Return the ARN of the layer's version that carries this note, or None."""
        try:
            with translate_errors(f"look for the layer {layer}"):
                pages = self.client.get_paginator("list_layer_versions").paginate(LayerName=layer)
                versions = [version for page in pages for version in page["LayerVersions"]]
        except MissingError:
            return None
        return next((found["LayerVersionArn"] for found in versions if found.get("Description") == note), None)

    def publish_layer(self, layer: str, note: str, content: bytes | StoredZip) -> str:
        """Publish a version of a layer for both architectures; return its ARN."""
        where: Any = (
            {"S3Bucket": content.bucket, "S3Key": content.key}
            if isinstance(content, StoredZip)
            else {"ZipFile": content}
        )
        with translate_errors(f"publish the layer {layer}"):
            published = self.client.publish_layer_version(
                LayerName=layer,
                Description=note,
                Content=where,
                CompatibleArchitectures=["x86_64", "arm64"],
            )
            return layers.checked(self.client, published, content)

    def users_of_layers(self) -> dict[str, set[str]]:
        """Return each layer's ARN, without its version, with the functions that use any version of it.

        Raises:
            DeniedError: lambda:ListFunctions is missing.
        """
        users: dict[str, set[str]] = {}
        with translate_errors("list the functions that use a layer"):
            for page in self.client.get_paginator("list_functions").paginate(FunctionVersion="ALL"):
                for function in page["Functions"]:
                    for layer in function.get("Layers") or ():
                        users.setdefault(layer["Arn"].rpartition(":")[0], set()).add(function["FunctionName"])
        return users

    def layer_url(self, arn: str) -> tuple[str, int]:
        """Return a presigned URL of a layer version's zip, and its size in bytes."""
        with translate_errors(f"get the layer {arn}"):
            content = self.client.get_layer_version_by_arn(Arn=arn)["Content"]
            return content["Location"], content["CodeSize"]

    def once(self, doing: str, call: Callable[[], Any], done: Callable[[], bool]) -> None:
        """Make a call that must take effect once; where its answer is lost, boto3 makes it again, which is refused.

        Args:
            doing: what is being done.
            call: makes it.
            done: asked where it is refused: whether everything is as the call makes it.
        """
        try:
            self.patiently(doing, call)
        except CloudError as error:
            if not (isinstance(error, ConflictError) or EXISTS in error.what) or not done():
                raise

    def patiently(self, doing: str, call: Callable[[], Result], throttled: float = 0) -> Result:
        """Make a call; repeat it while another update of the function is in progress (409) or its role is too young.

        Args:
            doing: for messages.
            call: is made.
            throttled: seconds for which it is repeated where it is throttled; botocore does that for most calls.
        """
        began = time.monotonic()
        for pause in _pauses():
            try:
                with translate_errors(doing):
                    return call()
            except CloudError as error:
                if time.monotonic() >= began + _passes_within(error, throttled):
                    raise
            time.sleep(pause)
        raise AssertionError  # the pauses have no end


def _is(now: Function, code_sha256: str, configuration: Configuration) -> bool:
    """Return whether a function has this code and this configuration."""
    return now.code_sha256 == code_sha256 and now.configuration == configuration


def _passes_within(error: CloudError, throttled: float) -> float:
    """Return for how many seconds to repeat a call after this refusal."""
    code = code_of(error.__cause__)
    if code in BUSY and EXISTS not in error.what:
        return READY_WITHIN_S
    if code and ROLE_NOT_YET in error.what:
        return ROLE_WITHIN_S
    return throttled if code == THROTTLED else 0


def _pauses() -> Iterator[float]:
    yield from POLL_S
    while True:
        yield POLL_S[-1]
