"""The embedded AWS as one object: started, named by its URL, stopped with everything that it started."""

import functools
import logging
import os
import shutil
import socket
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import moto.awslambda_simple.models as seam
from flask import Flask
from moto.backends import SERVICE_NAMES
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.core.utils import convert_to_flask_response
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from deployer.errors import UsageError
from deployer.local.context import LocalContext
from deployer.local.faults import Faults
from deployer.local.functions.backend import LocalBackend
from deployer.local.functions.responses import LocalResponse
from deployer.local.gateway import App, Gateway
from deployer.local.sandbox.code_store import CodeStore
from deployer.local.sandbox.deployment import Deployment
from deployer.local.sandbox.environment import CREDENTIALS
from deployer.local.sandbox.image import Image, Images, make_image, unpacked_image
from deployer.local.sandbox.instance import Instance, Limits, Place
from deployer.local.sandbox.pool import Pool
from deployer.local.sandbox.sandbox import Contents, Isolation, Launcher, find_isolation, works
from deployer.local.services.objects import ObjectsResponse
from deployer.local.services.roles import RolesResponse
from deployer.models.image import RootImage

HOST: Final = "127.0.0.1"
REGION: Final = "us-east-1"
"""Of the environment for child commands; every region answers."""


class LocalAws:
    """S3, Lambda, Logs, IAM, STS and CloudFormation on 127.0.0.1; one at a time in a process.

    Args:
        port: 0 for any free one.
        prefix: put before the command of each runtime, such as ``("strace", "-f", "-o", "{sandbox}/trace")``;
            ``{sandbox}`` becomes a folder of the sandbox's own, seen from outside as ``traces/<32 hex>``, the same
            hex as in the name of its log stream.
        traces: the host's folder for those; made if missing.
        settle: seconds that a function stays Pending, or its update InProgress.
        limits: how long start-up may take, and how long an idle sandbox is kept.
        images: root file systems that functions of their runtime and architecture run on.
    """

    def __init__(
        self,
        port: int = 0,
        prefix: tuple[str, ...] = (),
        traces: Path | None = None,
        settle: float = 0.3,
        limits: Limits | None = None,
        images: Sequence[RootImage] = (),
    ) -> None:
        self._port, self._prefix, self._traces = port, prefix, traces
        self._settle, self._limits, self._given = settle, limits or Limits(), images
        self.faults = Faults()
        self.endpoint_url = ""

    def start(self) -> Self:
        """Listen; return when calls are answered.

        Raises:
            OSError: the port is taken.
            UsageError: the extra ``local`` is not installed, another embedded AWS is up in this process, or an image
                cannot be run here.
        """
        if seam.lambda_simple_backends.backend is not seam.LambdaSimpleBackend:
            raise UsageError("Another embedded AWS is running in this process.", "Stop it first, or use it.")
        self._folder = Path(tempfile.mkdtemp(prefix="ldeploy-local-"))
        self._folder.chmod(0o711)
        try:
            self._make_sandboxes()
            self._listen("sandboxes")
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._context = LocalContext(self.endpoint_url, self._store, self._images, self._pool, self._settle)
        install(self._context)
        self._serve()
        return self

    def _make_sandboxes(self) -> None:
        """Have all that sandboxes are made of."""
        own = make_image(self._folder / "runtime")
        isolation = self._limits.isolation or find_isolation(own, self._folder / "trial")
        self._launcher = Launcher(own, isolation, self._prefix, self._traces)
        self._images = Images(own, {(one.runtime, one.architecture): self._unpacked(one) for one in self._given})
        self._store = CodeStore(self._folder / "code")

    def _listen(self, sandboxes: str) -> None:
        """Take a port, and have a folder for sandboxes."""
        gateway = self._make_gateway(Dispatcher())
        with socket.create_server((HOST, self._port), backlog=128) as listener:
            self._server = make_server(
                HOST, 0, gateway, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
            )
        self.endpoint_url = f"http://{HOST}:{self._server.port}"
        self._pool = Pool(self._folder / sandboxes, self._make_instance, self._limits)

    def _serve(self) -> None:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _make_gateway(self, app: App) -> Gateway:
        return Gateway(app, self._store, self.faults)

    def pause(self) -> None:
        """End the server and every sandbox; what the services hold stays, for a process that is forked and goes on."""
        self._pool.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def go_on(self) -> None:
        """Listen again after a pause, at another port: in this process, or in one that was forked meanwhile."""
        self._listen(f"sandboxes-{os.getpid()}")
        self._context.move(self.endpoint_url, self._pool)
        self._serve()

    def stop(self) -> None:
        """End the server, every sandbox, and remove what they left on disk (traces stay)."""
        self.pause()
        uninstall()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a child command: ``base`` (else this process's own) with its AWS calls led here."""
        inherited = os.environ if base is None else base
        kept = {name: value for name, value in inherited.items() if name != "AWS_PROFILE"}
        region = {"AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}
        return {**kept, **CREDENTIALS, **region, "AWS_ENDPOINT_URL": self.endpoint_url}

    @property
    def isolation(self) -> Isolation:
        """How far sandboxes are kept apart from the host."""
        return self._launcher.isolation

    def _unpacked(self, given: RootImage) -> Image:
        """Return an image that sandboxes can be made of, tried once."""
        name = f"{given.runtime}-{given.architecture}"
        image = unpacked_image(given, self._folder / f"runtime-{name}")
        if self.isolation is Isolation.PLAIN:
            raise UsageError("An image needs mount namespaces, which this machine does not allow.", "Run it as root.")
        if not works(self.isolation, image, self._folder / f"trial-{name}"):
            raise UsageError(
                f"No program of {given.folder} ({given.architecture}) can be run here.",
                "For another architecture, install qemu-user-static and register it (binfmt_misc), with the flag F.",
            )
        return image

    def _make_instance(self, deployment: Deployment, folder: Path) -> Instance:
        layers = self._store.merged(deployment.layers)
        contents = Contents(self._store.tree(deployment.code), layers, {})
        logs = logs_backends[deployment.account][deployment.region]
        image = self._images.find(deployment.runtime, deployment.architecture) or self._launcher.image
        place = Place(replace(self._launcher, image=image), contents, folder, self.endpoint_url, logs, self._limits)
        return Instance(deployment, place)


class QuietHandler(MotoRequestHandler):  # type: ignore[misc]
    """No line on stderr for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        if type != "info":
            logging.getLogger(__name__).debug(message, *args)


ANSWERS: Final[Mapping[str, tuple[Any, ...]]] = {
    "lambda": (LocalResponse,),
    "awslambda": (LocalResponse,),
    "iam": (RolesResponse,),
    "s3": (ObjectsResponse,),
}


class Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]
    """moto's, which would list the folder of its services at each request."""

    def __init__(self) -> None:
        super().__init__(create_app)
        self._backend = functools.cache(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return moto's name of the service that answers for a host."""
        return self._backend(host)


@functools.cache
def create_app(service: SERVICE_NAMES) -> Flask:
    """Return moto's own application for a service; S3's, Lambda's, IAM's, API Gateway's and stacks' with our answers.

    It holds no state and takes long to make: the next embedded AWS of this process has the same.
    """
    app: Flask = create_backend_app(service)
    views: dict[str, Any] = app.view_functions
    for answers in answers_of(service):
        for route, view in views.items():
            owner = getattr(getattr(view, "callback", None), "__self__", None)
            if owner and issubclass(answers, owner):
                views[route] = convert_to_flask_response(getattr(answers, view.callback.__name__))
    return app


def answers_of(service: str) -> tuple[Any, ...]:
    """Return our answers in a service's place. Those that take seconds to import are for those who ask for them."""
    if service == "cloudformation":
        from deployer.local.services.rules import install as install_rules  # noqa: PLC0415
        from deployer.local.services.stacks import StackResponse  # noqa: PLC0415

        install_rules()
        return (StackResponse,)
    if service in {"apigateway", "apigatewayv2"}:
        from deployer.local.services.apis import HttpApisResponse, RestApisResponse  # noqa: PLC0415

        return RestApisResponse, HttpApisResponse
    if service == "events":
        from deployer.local.services.rules import install as install_rules  # noqa: PLC0415

        install_rules()
    return ANSWERS.get(service, ())


def install(local: LocalContext) -> None:
    """Put our Lambda backend where moto looks for the one that needs no Docker; forget what moto held."""
    BackendDict.reset()
    backend = type("Backend", (LocalBackend,), {"local": local, "__module__": LocalBackend.__module__})
    default_user_config["lambda"]["use_docker"] = False
    seam.lambda_simple_backends = BackendDict(backend, "lambda")


def uninstall() -> None:
    """Leave moto as it was found."""
    with warnings.catch_warnings():
        BackendDict.reset()
    default_user_config["lambda"]["use_docker"] = True
    seam.lambda_simple_backends = BackendDict(seam.LambdaSimpleBackend, "lambda")
