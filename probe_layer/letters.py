"""The letters of the journal by their names: each stands for a kind of touch and the witness of it.

``journal.h`` has the shim's and those of what Python code did; the others come from the kernel's watch and the maps.
"""

from enum import Enum
from typing import Dict


class Letter(str, Enum):
    """A letter, equal to the text that it is; its kind of touch and its witness as records name them."""

    kind: str
    witness: str

    def __new__(cls, letter: str, kind: str, witness: str) -> "Letter":
        """Return the member for a row of the table below."""
        self = str.__new__(cls, letter)
        self._value_ = letter
        self.kind, self.witness = kind, witness
        return self

    SHIM_OPENED = ("o", "opened", "shim")
    KERNEL_OPENED = ("O", "opened", "inotify")
    PYTHON_OPENED = ("a", "opened", "audit")
    MAPS_OPENED = ("p", "opened", "maps")
    SHIM_LOOKED = ("l", "looked", "shim")
    SHIM_LISTED = ("d", "listed", "shim")
    KERNEL_LISTED = ("D", "listed", "inotify")
    PYTHON_LISTED = ("e", "listed", "audit")
    PYTHON_BROWSED = ("n", "browsed", "audit")
    SHIM_BROWSED = ("w", "browsed", "shim")
    KERNEL_BROWSED = ("W", "browsed", "inotify")
    PYTHON_READ = ("r", "read", "audit")
    SHIM_EXECUTED = ("x", "executed", "shim")
    SHIM_LOADED = ("m", "loaded", "shim")
    MAPS_LOADED = ("M", "loaded", "maps")
    PYTHON_LOADED = ("b", "loaded", "audit")


LISTING: Dict[str, str] = {
    Letter.SHIM_OPENED: Letter.SHIM_LISTED,
    Letter.KERNEL_OPENED: Letter.KERNEL_LISTED,
    Letter.PYTHON_OPENED: Letter.PYTHON_LISTED,
    Letter.MAPS_OPENED: Letter.KERNEL_LISTED,
}
"""To open a directory is to list it."""
ASKED = frozenset(letter for letter in Letter if letter.witness == "audit")
"""What Python code did: those letters know the module that asked."""
KERNEL = frozenset([Letter.KERNEL_OPENED, Letter.KERNEL_LISTED])
"""What the kernel's watch tells."""
OPENS = frozenset([Letter.SHIM_OPENED, Letter.MAPS_OPENED, Letter.SHIM_LOADED, Letter.MAPS_LOADED])
"""What the kernel's watch must have told of too."""
