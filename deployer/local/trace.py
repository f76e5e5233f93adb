"""Runs one package in sandboxes on this machine, without an AWS around them: what ``ldeploy trace`` asks for."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deployer.aws.invocations import Reply
from deployer.errors import UsageError
from deployer.instrumentation.configure import own_layer
from deployer.instrumentation.layer_zip import build_layer
from deployer.local.sandbox.code_store import CodeStore
from deployer.local.sandbox.deployment import Deployment, LogSettings
from deployer.local.sandbox.image import PYTHON, make_image
from deployer.local.sandbox.instance import Instance, Limits, Place
from deployer.local.sandbox.runtime_api import Invocation
from deployer.local.sandbox.sandbox import Contents, Launcher, find_isolation
from deployer.models.evidence import LogEvent
from deployer.models.function import Configuration

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
ARN: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
NOWHERE: Final = "http://127.0.0.1:9"
"""Where the function's own calls of AWS go unless AWS_ENDPOINT_URL says otherwise: they fail, and leave no machine."""
_SLOW_START: Final = 60.0
"""Seconds that a start may take: what is cold here was never read from disk before."""


@dataclass
class LogLines:
    """A CloudWatch Logs that only takes in."""

    events: list[LogEvent] = field(default_factory=list)

    def ensure_log_group(self, log_group_name: str) -> None:
        pass

    def ensure_log_stream(self, log_group_name: str, log_stream_name: str) -> None:
        pass

    def put_log_events(self, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]) -> None:  # noqa: ARG002
        for event in log_events:
            self.events.append(
                LogEvent(f"{len(self.events)}", event["timestamp"], event["message"], log_stream_name),
            )


@dataclass
class TraceSession:
    """Sandboxes of one package, one at a time."""

    _store: CodeStore
    _launcher: Launcher
    _folder: Path
    _deployment: Deployment
    _lines: LogLines = field(default_factory=LogLines)
    _instance: Instance | None = None

    @property
    def log(self) -> Sequence[LogEvent]:
        """What all of them have logged so far."""
        return self._lines.events

    def send(self, payload: bytes) -> Reply:
        """Send one event to the present sandbox and wait for its answer."""
        if self._instance is None:
            self._instance = self._make()
        call = Invocation(str(uuid.uuid4()), payload, ARN + self._deployment.name, 0, None)
        answer = self._instance.serve(call, lambda _: None)
        return Reply(answer.payload, "Unhandled" if answer.failed else "", answer.tail.decode("utf-8", "replace"))

    def renew(self) -> None:
        """End the present sandbox."""
        if self._instance:
            self._instance.end()
            self._instance = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> Instance:
        code, layers = self._store.tree(self._deployment.code), self._store.merged(self._deployment.layers)
        endpoint = os.environ.get("AWS_ENDPOINT_URL") or NOWHERE
        limits = Limits(start_up=_SLOW_START)
        place = Place(self._launcher, Contents(code, layers, {}), self._folder, endpoint, self._lines, limits)
        return Instance(self._deployment, place)


@contextmanager
def sandboxes(name: str, path: Path, configuration: Configuration) -> Iterator[TraceSession]:
    """Yield the sandboxes of a zip; nothing of them stays.

    Args:
        name: the function's.
        path: of the zip.
        configuration: the function's.

    Raises:
        UsageError: the runtime is not that of this interpreter.
    """
    if configuration.runtime != PYTHON:
        version = configuration.runtime.removeprefix("python")
        raise UsageError(
            f"A trace for {configuration.runtime} needs ldeploy under Python {version}; this one runs under {PYTHON}.",
            f"Run: uvx --python {version} --from 'ldeploy[local]' ldeploy trace ...",
        )
    folder = Path(tempfile.mkdtemp(prefix="ldeploy-trace-"))
    try:
        folder.chmod(0o711)
        store, image = CodeStore(folder / "code"), make_image(folder / "runtime")
        launcher = Launcher(image, find_isolation(image, folder / "trial"))
        deployment = _deployment(name, store.put(path.read_bytes()).sha256, configuration, store)
        session = TraceSession(store, launcher, folder / "sandbox", deployment)
        try:
            yield session
        finally:
            session.renew()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _deployment(name: str, code: str, configuration: Configuration, store: CodeStore) -> Deployment:
    return Deployment(
        account=ACCOUNT,
        region=REGION,
        name=name,
        version="$LATEST",
        revision="1",
        handler=configuration.handler,
        runtime=configuration.runtime,
        architecture=configuration.architecture,
        memory=configuration.memory,
        timeout=configuration.timeout,
        logs=LogSettings(f"/aws/lambda/{name}"),
        code=code,
        layers=tuple(store.put(build_layer(own_layer(arn))).sha256 for arn in configuration.layers),
        variables=configuration.environment,
    )
