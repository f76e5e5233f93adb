"""Guarded packages as functions of the embedded AWS: a full package, what is kept of it, and the guard."""

import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.instrumentation.manifest import InBucket
from deployer.package import index, open_file, pack_folder
from deployer.slim import copy_all, write_slim
from deployer.slim.guard import Guarded, GuardMode, GuardRequest, guard
from probe_layer.guard.line import Line, decode
from tests.functional.local_aws import Cloud, Result
from tests.images import ARCHITECTURE, MACHINES

BUCKET = "packages"
WRAPPER = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/.ldeploy/start"}


@dataclass(frozen=True)
class Packages:
    """The same function's package three times, each a zip in S3."""

    cloud: Cloud
    folder: Path
    guarded: Guarded

    def create(self, name: str, kind: str, variables: Mapping[str, str] | None = None, **settings: Any) -> None:
        """A function of one of the packages: ``full``, ``slim`` or ``guarded``."""
        wrapper = WRAPPER if kind == "guarded" else {}
        environment = {"Variables": {**wrapper, **(variables or {})}}
        code = {"S3Bucket": BUCKET, "S3Key": f"{kind}.zip"}
        self.cloud.create(
            name, "", Code=code, Environment=environment, **{"Timeout": 60, "MemorySize": 512, **settings}
        )

    def misses(self, name: str, at_least: int = 0) -> list[Line]:
        """What the guard has said; lines come to the log a little after the answer."""
        until = time.monotonic() + 20
        while True:
            lines = [line for message in self.cloud.messages(name) if (line := decode(message))]
            if len(lines) >= at_least or time.monotonic() > until:
                return lines
            time.sleep(0.05)


def packages(
    cloud: Cloud,
    folder: Path,
    build: Path,
    is_kept: Callable[[str], bool],
    mode: GuardMode,
    is_emptied: Callable[[str], bool] = lambda path: False,
) -> Packages:
    """Makes the three packages of a build and puts them into a bucket."""
    full = folder / "full.zip"
    pack_folder(build, full)
    cloud.storage.create_bucket(Bucket=BUCKET)
    cloud.storage.upload_file(str(full), BUCKET, "full.zip")
    etag = cloud.storage.head_object(Bucket=BUCKET, Key="full.zip")["ETag"]
    where = InBucket(BUCKET, "full.zip", etag, full.stat().st_size, "us-east-1")
    slim = folder / "slim.zip"
    with open_file(full) as source:
        package = index(source)
        kept = [path for path, entry in package.entries.items() if is_kept(path) and entry.kind != "directory"]
        write_slim(source, package, copy_all(package, kept), slim)
        empty(slim, is_emptied)
        cloud.storage.upload_file(str(slim), BUCKET, "slim.zip")
        guarded = folder / "guarded.zip"
        request = GuardRequest(where if mode is GuardMode.S3 else None, (MACHINES[ARCHITECTURE],))
        made = guard(slim, source, package, request, guarded)
    cloud.storage.upload_file(str(guarded), BUCKET, "guarded.zip")
    return Packages(cloud, folder, made)


def empty(path: Path, is_emptied: Callable[[str], bool]) -> None:
    """Makes files of a zip empty."""
    with zipfile.ZipFile(path) as archive:
        held = [(entry, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in held:
            archive.writestr(entry, b"" if is_emptied(entry.filename) else content)


def answer(result: Result) -> Any:
    """What a function answered, or how it failed; without what differs from one invocation to the next."""
    if isinstance(result.value, dict) and "errorType" in result.value:
        return {name: result.value[name] for name in ("errorType", "errorMessage")}
    return json.loads(json.dumps(result.value))
