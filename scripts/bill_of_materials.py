"""Writes the probe layer as a zip, and its bill of materials beside it (CycloneDX 1.6, JSON)."""

import io
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6

from deployer import __version__
from deployer.instrumentation.layer_zip import build_layer


def bill(layer: bytes) -> Bom:
    """Return the bill of a layer: itself, and each file in it with its SHA-256. It holds nothing of anybody else's."""
    bom = Bom()
    whole = bom.metadata.component = _component("ldeploy-layer", ComponentType.APPLICATION, layer)
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        files = list(_files(archive))
    bom.components.update(files)
    bom.register_dependency(whole, files)
    return bom


def _files(archive: zipfile.ZipFile) -> Iterator[Component]:
    return (_component(info.filename, ComponentType.FILE, archive.read(info)) for info in archive.infolist())


def _component(name: str, kind: ComponentType, data: bytes) -> Component:
    digest = HashType(alg=HashAlgorithm.SHA_256, content=sha256(data).hexdigest())
    return Component(name=name, version=__version__, type=kind, hashes=[digest])


def main() -> None:
    """Write both into the folder that is named."""
    folder = Path(sys.argv[1])
    layer = build_layer()
    (folder / "ldeploy-layer.zip").write_bytes(layer)
    JsonV1Dot6(bill(layer)).output_to_file(str(folder / "ldeploy-layer.cdx.json"), allow_overwrite=True, indent=2)


if __name__ == "__main__":
    main()
