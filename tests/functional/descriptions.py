"""boto3's descriptions of AWS, parsed once a process: each command of a test makes clients anew, which costs 0.3 s."""

import functools
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


class ReadOnce(JSONFileLoader):
    """Reads each file once."""

    @staticmethod
    @functools.cache
    def _read(path: str) -> Any:
        return JSONFileLoader().load_file(path)

    def load_file(self, file_path: str) -> Any:
        """Return what the file holds, None where there is none."""
        return self._read(file_path)


def read_once() -> None:
    """Have every session of this process share what one has read."""
    Loader.FILE_LOADER_CLASS = ReadOnce
