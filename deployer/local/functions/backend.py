"""Lambda: moto's backend with Lambda's rules and invocations that run. One for each account and region."""

import base64
import binascii
import random
import uuid
from concurrent.futures import Future
from typing import Any

from moto.awslambda.models import LambdaAlias, LambdaBackend, LambdaStorage
from moto.core.exceptions import JsonRESTError
from moto.s3.exceptions import MissingBucket, MissingKey
from moto.s3.models import s3_backends

from deployer.errors import PackageError
from deployer.local.context import LocalContext
from deployer.local.functions import rules, throttles
from deployer.local.functions.function import CHANGEABLE, Function, LocalLayerVersion, settings_of
from deployer.local.functions.urls import FunctionUrl, FunctionUrls
from deployer.local.sandbox.code_store import Stored
from deployer.local.sandbox.deployment import Deployment
from deployer.local.sandbox.instance import Answer
from deployer.local.sandbox.runtime_api import Invocation


class LocalBackend(LambdaBackend):  # type: ignore[misc]
    """What AWS calls the Lambda service of a region; ``local`` is set by the server on a subclass."""

    local: LocalContext
    _lambdas: LambdaStorage

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.function_urls = FunctionUrls()

    # -- functions ---------------------------------------------------------------------------------------------

    def create_function(self, spec: dict[str, Any]) -> Function:
        """Create a function, for CreateFunction and for moto's CloudFormation."""
        settings = settings_of(spec)
        rules.check_configuration(settings)
        layers = self._layers_of(settings["Layers"])
        stored = self._load(spec["Code"])
        rules.check_unzipped(stored.unzipped, [layer.stored.unzipped for layer in layers])
        self._unpack(stored, layers)
        function = Function(self.account_id, self.region_name, spec, stored, layers, self.local)
        self._lambdas._functions[function.function_name] = {"latest": function, "versions": []}
        self._lambdas._arns[function.function_arn] = function
        if spec.get("Publish"):
            return self._publish(function, None)
        return function

    def update_function_configuration(
        self,
        function_name: str,
        qualifier: str | None,
        body: dict[str, Any],
    ) -> dict[str, Any]:
        """Update a configuration: each given key replaces the whole of what was there."""
        function = self.latest(function_name, qualifier)
        function.check_settled()
        function.check_revision(body.get("RevisionId"))
        given = {key: body[key] for key in CHANGEABLE if body.get(key) is not None}
        settings = {**function.settings, **given}
        rules.check_configuration(settings)
        layers = self._layers_of(settings["Layers"]) if "Layers" in given else function.layer_versions
        rules.check_unzipped(function.stored.unzipped, [layer.stored.unzipped for layer in layers])
        self._unpack(function.stored, layers)
        function.change(given, layers)
        return function.get_configuration()

    def update_function_code(self, function_name: str, qualifier: str | None, body: dict[str, Any]) -> dict[str, Any]:
        """Update the code, with UpdateFunctionCode's DryRun and Publish."""
        function = self.latest(function_name, qualifier)
        function.check_settled()
        function.check_revision(body.get("RevisionId"))
        stored = self._load(body)
        rules.check_unzipped(stored.unzipped, [layer.stored.unzipped for layer in function.layer_versions])
        if body.get("DryRun"):
            sha256 = base64.b64encode(bytes.fromhex(stored.sha256)).decode()
            return {**function.get_configuration(), "CodeSha256": sha256, "CodeSize": stored.size}
        self._unpack(stored, function.layer_versions)
        architectures = {"Architectures": body["Architectures"]} if body.get("Architectures") else {}
        function.change(architectures, stored=stored)
        return (self._publish(function, None) if body.get("Publish") else function).get_configuration()

    def publish(self, name: str, body: dict[str, Any]) -> Function:
        """Publish a version; return the last one if nothing changed since."""
        function = self.latest(name, None)
        function.check_settled()
        function.check_revision(body.get("RevisionId"))
        if (sha256 := body.get("CodeSha256")) and sha256 != function.code_sha_256:
            raise rules.InvalidParameterValueError(
                f"CodeSHA256 ({sha256}) is different from current CodeSHA256 in $LATEST ({function.code_sha_256}). "
                "Please try again with the CodeSHA256 in $LATEST."
            )
        return self._publish(function, body.get("Description"))

    def publish_version(self, function_name: str, description: str = "") -> Function:
        """Publish a version for moto's CloudFormation."""
        return self._publish(self.latest(function_name, None), description)

    def _publish(self, function: Function, description: str | None) -> Function:
        versions: list[Function] = self._lambdas._functions[function.function_name]["versions"]
        if versions and function.same_as(versions[-1]):
            return versions[-1]
        version = function.publish_version(description)
        versions.append(version)
        self._lambdas._arns[version.function_arn] = version
        return version

    def latest(self, name: str, qualifier: str | None) -> Function:
        """Return $LATEST of a function: the only version that can be changed.

        Raises:
            JsonRESTError: there is no such function, or a version is asked for.
        """
        if qualifier not in (None, "$LATEST"):
            raise rules.InvalidParameterValueError("This operation is not permitted on a function version or alias.")
        function: Function = self.get_function(name, None)
        return function

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """Delete a function and its sandboxes; a version that an alias points to stays."""
        if qualifier:
            self._check_unused(function_name, qualifier)
        super().delete_function(function_name, qualifier)
        if not qualifier:
            self.function_urls.forget(function_name)
        self.local.pool.retire(self.account_id, self.region_name, function_name)

    def create_url(self, name: str, qualifier: str | None, config: dict[str, Any]) -> FunctionUrl:
        """Give a function, or one of its aliases, a URL.

        Raises:
            JsonRESTError: there is no such function or alias, or it has one.
        """
        arn = self.get_function(name, None).function_arn
        if qualifier:
            arn = self.get_alias(qualifier, name).arn
        return self.function_urls.create(name, qualifier, FunctionUrl(arn, self.region_name, dict(config)))

    def _check_unused(self, name: str, version: str) -> None:
        users = [alias.name for alias in self.list_aliases(name) if version in versions_of(alias)]
        if users:
            raise rules.ResourceConflictError(
                f"Unable to delete version because the following aliases reference it: [{', '.join(users)}]"
            )

    # -- code --------------------------------------------------------------------------------------------------

    def publish_layer_version(self, spec: dict[str, Any]) -> LocalLayerVersion:
        """Publish a version of a layer."""
        stored = self._load(spec["Content"])
        rules.check_unzipped(stored.unzipped)
        content = {"Content": {"ZipFile": ""}}
        version = LocalLayerVersion({**spec, **content}, self.account_id, self.region_name)
        version.stored, version.local = stored, self.local
        version.code_size = stored.size
        version.code_sha_256 = base64.b64encode(bytes.fromhex(stored.sha256)).decode()
        self._layers.put_layer_version(version)
        return version

    def _load(self, code: dict[str, Any]) -> Stored:
        """Load a zip from the request or from S3 into the store.

        Raises:
            InvalidParameterValueError: it is not there, or no zip.
        """
        try:
            return self.local.store.put(self._bytes(code))
        except PackageError as error:
            empty = "empty" in error.what
            raise rules.InvalidParameterValueError(
                "Uploaded file must be a non-empty zip"
                if empty
                else "Could not unzip uploaded file. Please check your file, then try to upload again."
            ) from None

    def _bytes(self, code: dict[str, Any]) -> bytes:
        if "ZipFile" in code:
            try:
                return base64.b64decode(code["ZipFile"])
            except binascii.Error:
                raise rules.InvalidParameterValueError("Could not unzip uploaded file.") from None
        failed = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}"
        try:
            backend = s3_backends[self.account_id][self.partition]
            found = backend.get_object(code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
        except MissingBucket:
            text = failed.format("NoSuchBucket", "The specified bucket does not exist")
            raise rules.InvalidParameterValueError(text) from None
        except MissingKey:
            found = None
        if found is None:
            text = failed.format("NoSuchKey", "The specified key does not exist.")
            raise rules.InvalidParameterValueError(text)
        content: bytes = found.value
        return content

    def _unpack(self, stored: Stored, layers: tuple[LocalLayerVersion, ...]) -> None:
        """Unpack code ahead of the first cold start, as Lambda prepares code before a function is Active."""
        try:
            self.local.store.tree(stored.sha256)
            self.local.store.merged(tuple(layer.stored.sha256 for layer in layers))
        except PackageError:
            raise rules.InvalidParameterValueError(
                "Could not unzip uploaded file. Please check your file, then try to upload again."
            ) from None

    def _layers_of(self, arns: list[str]) -> tuple[LocalLayerVersion, ...]:
        found = []
        for arn in arns:
            try:
                version = self.layers_versions_by_arn(arn)
            except (ValueError, TypeError):
                version = None
            if version is None:
                raise rules.InvalidParameterValueError(f"Layer version {arn} does not exist.")
            found.append(version)
        return tuple(found)

    # -- invocations -------------------------------------------------------------------------------------------

    def chosen(self, name: str, qualifier: str | None) -> Function:
        """Choose the version that serves a request: an alias sends a share of them to its second version."""
        alias = self._alias(name, qualifier)
        for version, share in weights_of(alias).items():
            if random.random() < share:  # noqa: S311
                qualifier = version
        function: Function = self.get_function(name, qualifier)
        return function

    def _alias(self, name: str, qualifier: str | None) -> LambdaAlias | None:
        try:
            return self.get_alias(qualifier, name) if qualifier else None
        except JsonRESTError:
            return None

    def submit(
        self, name: str, qualifier: str | None, payload: bytes, context: str | None
    ) -> "tuple[Deployment, Invocation, Future[Answer]]":
        """Begin an invocation.

        Raises:
            JsonRESTError: there is no such function, it cannot run here, or it may not run now.
        """
        function = self.chosen(name, qualifier)
        deployment = self.runnable(function)
        reserved = self.latest(name, None).reserved_concurrency
        if reserved is not None and self.local.pool.running(deployment) >= int(reserved):
            throttles.count(self.account_id, self.region_name, function, qualifier or "")
            raise rules.TooManyRequestsError
        arn = self.latest(name, None).function_arn + (f":{qualifier}" if qualifier else "")
        call = Invocation(str(uuid.uuid4()), payload, arn, 0, context)
        return deployment, call, self.local.pool.submit(deployment, call)

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,  # noqa: ARG002 (moto's signature)
        response_headers: Any,
    ) -> bytes:
        """Invoke for a queue of moto's, which deletes its messages when the function has succeeded."""
        parts = function_name.split(":")
        name, alias = (parts[6], parts[7] if len(parts) > 7 else None) if len(parts) > 6 else (parts[0], None)
        _, _, future = self.submit(name, qualifier or alias, str(body).encode(), None)
        done = future.result()
        if done.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return done.payload

    def runnable(self, function: Function) -> Deployment:
        """Return what to run.

        Raises:
            JsonRESTError: the function is Pending, or its runtime is not at hand.
        """
        if function.pending:
            function.check_settled()
        deployment = function.deployment()
        if self.local.images.find(deployment.runtime, deployment.architecture) is None:
            raise rules.InvalidParameterValueError(
                f"The runtime {deployment.runtime} is not at hand here: this embedded AWS runs {self.local.images} "
                f"only. For {deployment.architecture}, give --image {deployment.runtime}=DIR."
            )
        return deployment


def weights_of(alias: LambdaAlias | None) -> dict[str, float]:
    """Return an alias's second version and its share."""
    return dict(((alias.routing_config if alias else None) or {}).get("AdditionalVersionWeights") or {})


def versions_of(alias: LambdaAlias) -> set[str]:
    """Return every version that an alias sends requests to."""
    return {alias.function_version, *weights_of(alias)}
