"""Which steps follow the whitelist on the way to the slim zip."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Guarding(StrEnum):
    """Where what was dropped is brought back from, when it is asked for after all."""

    AUTO = "auto"
    """S3 where the role may read the full package, else inside where that fits, else off."""
    INSIDE = "inside"
    """The package itself, in blocks."""
    S3 = "s3"
    """The full package's zip."""
    OFF = "off"
    """Nowhere."""


@dataclass(frozen=True)
class Settings:
    """Which steps are wanted."""

    trim: bool = True
    """Trim libraries, and shorten lists of files to those that are kept."""
    bytecode: bool = True
    """Add bytecode for kept sources."""
    source: bool = True
    """Keep sources beside their bytecode."""
    best: bool = False
    """Compress everything again, as small as possible: slow."""
    empty: bool = False
    """Empty the files that a scan only looked at."""
    fit: bool = True
    """Pack what is still over the limit, to be unpacked at start."""
    guard: Guarding = Guarding.OFF
    """Bring back what was dropped."""

    def __str__(self) -> str:
        """Return the steps that can change what a function does, each with the option that switches it off."""
        named = {
            "libraries trimmed (--no-trim)": self.trim,
            "bytecode added (--no-bytecode)": self.bytecode and self.source,
            "sources replaced by bytecode (--source)": self.bytecode and not self.source,
            "scanned files emptied (--no-empty)": self.empty,
        }
        return ", ".join(name for name, done in named.items() if done)


COPY_ONLY: Final = Settings(trim=False, bytecode=False)
"""The kept files as they are."""
