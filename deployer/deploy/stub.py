"""A package over Lambda's limit -> the stub that stands in for it while it is probed.

A zip of the manifest, by which ``probe_layer/unpack.py`` brings the package below /tmp, and of a symlink for each name
at the package's top, so that what is asked for below /var/task by its whole path is found too. Lambda keeps symlinks,
also those that lead out of the package.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from deployer.errors import OverLimitError
from deployer.instrumentation.manifest import FOLDER, NAME, InBucket, of_zip, to_json
from deployer.limits import MIB, STORAGE, TIMEOUT
from deployer.models.function import Configuration
from deployer.models.package import Package
from deployer.models.slim import Measure
from deployer.package import heaviest
from deployer.package.small import small_file, symlink
from deployer.package.zipwriter import ZipWriter
from deployer.slim.fit import SLOWEST

BLOCK: Final = 4096
"""Bytes that the smallest file takes on /tmp."""
BESIDE: Final = 18
"""MB on /tmp that the probe's journal and the folders take."""
MEMORY: Final = 1769
"""MB: with them goes one whole processor
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)."""


def stand_in(package: Package, place: InBucket, digests: Mapping[str, bytes], out: Path) -> Measure:
    """Write the stub, the same bytes each time.

    Args:
        package: the full one.
        place: where its zip lies in S3.
        digests: SHA-256 of each file's bytes as they lie in the zip, by path.
        out: the stub's zip.
    """
    made = of_zip(package, place, digests)
    tops = sorted({path.partition("/")[0] for path in package.entries} - {FOLDER})
    with ZipWriter(out) as writer:
        for one in [small_file(NAME, to_json(made)), *(symlink(name, f"{made.root}/{name}") for name in tops)]:
            writer.write(writer.reserve(one.entry), one.packed)
        return writer.finish()


def grown(
    probed: Configuration, before: Configuration, package: Package, memory: int | None, timeout: int | None
) -> Configuration:
    """The configuration with what unpacking needs: room on /tmp, time, and one processor.

    Args:
        probed: what the probe asks for so far.
        before: as it was before the probe: what is raised is raised once.
        package: what is to be unpacked.
        memory: MB, where the user said how much.
        timeout: seconds, likewise.

    Raises:
        OverLimitError: no /tmp can hold it, with what weighs most.
    """
    needed = _on_disk(package) // MIB + 1 + BESIDE
    if needed > STORAGE:
        parts = ", ".join(f"{name} {weight / 1e6:.1f} MB" for name, weight in heaviest(package, 5))
        raise OverLimitError(
            f"The full package needs {needed:,} MB of /tmp, and Lambda gives a function {STORAGE:,} at most.",
            f"What weighs most: {parts}.",
        )
    longer = before.timeout + 10 + package.bytes // SLOWEST
    return replace(
        probed,
        storage=min(STORAGE, before.storage + needed),
        memory=memory or max(before.memory, MEMORY),
        timeout=timeout or min(TIMEOUT, longer),
    )


def _on_disk(package: Package) -> int:
    """Bytes that the package takes on /tmp."""
    return sum(-(-max(entry.size, 1) // BLOCK) * BLOCK for entry in package.entries.values())
