"""Lambda's REST API: what moto's answers lack, or do otherwise than Lambda."""

import base64
import json
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final
from urllib.parse import unquote

from moto.awslambda.responses import LambdaResponse

from deployer.local.functions import rules
from deployer.local.functions.backend import LocalBackend
from deployer.local.functions.urls import FunctionUrl
from deployer.local.sandbox.deployment import Deployment
from deployer.local.sandbox.instance import Answer
from deployer.local.sandbox.runtime_api import Invocation

Reply = tuple[int, dict[str, Any], str | bytes]
PAGE: Final = 50
REQUEST_ID: Final = "x-amzn-requestid"


class LocalResponse(LambdaResponse):  # type: ignore[misc]
    """One request. The gateway has put a qualifier in the name, or an ARN, into name and query string."""

    backend: LocalBackend

    @staticmethod
    def _enrich_response(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
        """Keep an invocation's own request id, where moto would draw one for each answer."""
        own = headers.get(REQUEST_ID)
        headers, body = LambdaResponse._enrich_response(headers, body)
        return {**headers, **({REQUEST_ID: own} if own else {})}, body

    @property
    def name(self) -> str:
        """The function's, from ``/<date>/functions/<name>/...``."""
        return unquote(self.path.split("/")[3])

    @property
    def qualifier(self) -> str | None:
        """Version or alias."""
        value: str | None = self.querystring.get("Qualifier", [None])[0]
        return value

    # -- code and configuration --------------------------------------------------------------------------------

    def create_function(self) -> Reply:
        """Answer CreateFunction."""
        rules.check_request(len(self.raw_body), "CreateFunction")
        status, headers, body = super().create_function()
        return status, headers, body

    def update_function_code(self) -> Reply:
        """Answer UpdateFunctionCode."""
        rules.check_request(len(self.raw_body), "UpdateFunctionCode")
        return reply(200, self.backend.update_function_code(self.name, self.qualifier, self.json_body))

    def publish_version(self) -> Reply:
        """Answer PublishVersion."""
        body = json.loads(self.body or "{}")
        return reply(201, self.backend.publish(self.name, body).get_configuration())

    def get_function(self) -> Reply:
        """Answer GetFunction."""
        answer = self.backend.get_function(self.name, self.qualifier).get_code()
        answer["Configuration"] = self._qualified(answer["Configuration"])
        return reply(200, answer)

    def get_function_configuration(self) -> Reply:
        """Answer GetFunctionConfiguration."""
        function = self.backend.get_function(self.name, self.qualifier)
        return reply(200, self._qualified(function.get_configuration()))

    def _qualified(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """Answer with the ARN that was asked for, as Lambda does."""
        if self.qualifier is None:
            return configuration
        arn = ":".join(configuration["FunctionArn"].split(":")[:7])
        return {**configuration, "FunctionArn": f"{arn}:{self.qualifier}"}

    def list_versions_by_function(self) -> Reply:
        """Answer ListVersionsByFunction, page by page."""
        self.backend.get_function(self.name, None)
        versions = list(self.backend.list_versions_by_function(self.name))
        first = int(self.querystring.get("Marker", ["0"])[0])
        last = first + min(int(self.querystring.get("MaxItems", [PAGE])[0]), PAGE)
        page: dict[str, Any] = {"Versions": [version.get_configuration() for version in versions[first:last]]}
        return reply(200, page | ({"NextMarker": str(last)} if last < len(versions) else {}))

    def get_layer_version_by_arn(self) -> Reply:
        """Answer GetLayerVersionByArn."""
        arn = self.querystring["Arn"][0]
        version = self.backend.layers_versions_by_arn(arn)
        if version is None:
            raise rules.NotFoundError("The resource you requested does not exist.")
        return reply(200, version.get_layer_version())

    # -- aliases -----------------------------------------------------------------------------------------------

    def create_alias(self) -> Reply:
        """Answer CreateAlias."""
        body = self.json_body
        self._check_weights(body.get("RoutingConfig"), body["FunctionVersion"])
        status, headers, text = super().create_alias()
        return status, headers, text

    def update_alias(self) -> Reply:
        """Answer UpdateAlias: check RevisionId, and make a new one."""
        name, body = unquote(self.path.rsplit("/", 1)[-1]), self.json_body
        alias = self.backend.get_alias(name, self.name)
        if body.get("RevisionId") not in (None, alias.revision_id):
            raise rules.PreconditionFailedError
        version = body.get("FunctionVersion") or alias.function_version
        routing = body.get("RoutingConfig", alias.routing_config)
        self._check_weights(routing, version)
        self.backend.update_alias(name, self.name, version, body.get("Description"), routing)
        alias.revision_id = str(uuid.uuid4())
        return reply(200, alias.to_json())

    def _check_weights(self, routing: Mapping[str, Any] | None, version: str) -> None:
        """Check an alias's second version, which must be there, and its share."""
        for other in rules.check_weights(routing, version):
            self.backend.get_function(self.name, other)

    # -- URLs --------------------------------------------------------------------------------------------------

    def create_function_url_config(self) -> Reply:
        """Answer CreateFunctionUrlConfig."""
        return reply(201, self._url(self.backend.create_url(self.name, self.qualifier, self.json_body)))

    def get_function_url_config(self) -> Reply:
        """Answer GetFunctionUrlConfig."""
        return reply(200, self._url(self.backend.function_urls.get(self.name, self.qualifier)))

    def update_function_url_config(self) -> Reply:
        """Answer UpdateFunctionUrlConfig."""
        url = self.backend.function_urls.get(self.name, self.qualifier)
        url.update(self.json_body)
        return reply(200, self._url(url))

    def delete_function_url_config(self) -> Reply:
        """Answer DeleteFunctionUrlConfig."""
        self.backend.function_urls.delete(self.name, self.qualifier)
        return 204, {"status": 204}, ""

    def _url(self, url: FunctionUrl) -> dict[str, Any]:
        return url.to_dict(self.backend.local.endpoint)

    # -- invocations -------------------------------------------------------------------------------------------

    def invoke(self) -> Reply:
        """Invoke: RequestResponse, Event (no retries after an error) or DryRun."""
        payload = self.raw_body or b"{}"
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        rules.check_payload(payload, event=kind == "Event")
        if kind == "DryRun":
            self.backend.runnable(self.backend.chosen(self.name, self.qualifier))
            return 204, {"status": 204}, ""
        context = self.headers.get("X-Amz-Client-Context")
        decoded = base64.b64decode(context).decode() if context else None
        begun = self.backend.submit(self.name, self.qualifier, payload, decoded)
        if kind == "Event":
            return 202, {"status": 202, REQUEST_ID: begun[1].request}, ""
        return answered(*begun, tail=self.headers.get("X-Amz-Log-Type") == "Tail")


def reply(status: int, body: Any) -> Reply:
    """Return a JSON answer, in the form that moto expects."""
    return status, {"status": status, "Content-Type": "application/json"}, json.dumps(body)


def answered(deployment: Deployment, call: Invocation, future: "Future[Answer]", *, tail: bool) -> Reply:
    """Wait for an invocation's end."""
    answer = future.result()
    headers: dict[str, Any] = {
        "status": 200,
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": deployment.version,
        REQUEST_ID: call.request,
    }
    payload, failed = answer.payload, answer.failed
    if len(payload) > rules.ANSWER_BYTES:
        text = f"Response payload size exceeded maximum allowed payload size ({rules.ANSWER_BYTES} bytes)."
        error = {"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}
        payload, failed = json.dumps(error).encode(), True
    if failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if tail:
        headers["X-Amz-Log-Result"] = base64.b64encode(answer.tail).decode()
    return 200, headers, payload
