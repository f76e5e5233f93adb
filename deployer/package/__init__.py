"""A zip or a folder becomes a Package: every file with its path, size, packed size, CRC-32, mode and kind.

``index`` reads the central directory, ``distributions`` what is installed, ``examine`` that and which files hold
certificates, ``folder`` packs a build, ``unzip`` makes a folder of a zip again. Below them:
``members`` (an entry's bytes, coalesced reads), ``links`` (symlinks), ``zipformat`` and ``zipwriter`` (the records).
"""

from deployer.package.distributions import distributions
from deployer.package.examine import examine
from deployer.package.folder import pack_folder
from deployer.package.index import FileSource, handler_path, heaviest, index, open_file, script_path
from deployer.package.unzip import unpack

__all__ = [
    "FileSource",
    "distributions",
    "examine",
    "handler_path",
    "heaviest",
    "index",
    "open_file",
    "pack_folder",
    "script_path",
    "unpack",
]
