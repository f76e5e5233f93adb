"""The build hook: compiles the probe's shim for both architectures, so that wheels and editable installs hold it."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShimBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs ``scripts/build-layer`` before the files are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        runpy.run_path(str(Path(self.root, "scripts", "build-layer")), run_name="__main__")
