"""What a run left, to be read again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deployer.errors import WorkspaceError


class Left(Protocol):
    """The files that a run left under a function's name."""

    @property
    def function(self) -> str: ...

    def read(self, name: str) -> str | None:
        """Return a file's text, or None where it is not there."""
        ...


@dataclass(frozen=True)
class LeftHere:
    """What a run left in a folder of this machine alone."""

    function: str
    folder: Path

    def read(self, name: str) -> str | None:
        """Return a file's text, or None where it is not there.

        Raises:
            WorkspaceError: it cannot be read.
        """
        try:
            return (self.folder / name).read_text("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise broken(str(self.folder / name)) from error


def broken(name: str) -> WorkspaceError:
    """Return the error that a file is not what ldeploy wrote."""
    return WorkspaceError(
        f"{name}, which an earlier run left, cannot be read.", "Remove it: the other copy is used then."
    )
