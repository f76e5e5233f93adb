"""Transforms of kept files, one module each; a new one is a module here and a row in ``TRANSFORMS``."""

from typing import Final

from deployer.slim.transforms.base import Transform
from deployer.slim.transforms.bytecode import AddBytecode
from deployer.slim.transforms.elf import TrimLibraries
from deployer.slim.transforms.empty import EmptyScanned
from deployer.slim.transforms.records import ShortenRecords

TRANSFORMS: Final[tuple[type[Transform], ...]] = (EmptyScanned, TrimLibraries, ShortenRecords, AddBytecode)
"""In the order of their steps in a report. The first that chooses a file is the one that changes it."""
