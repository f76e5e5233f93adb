"""Explains what the probe could not see, by the names that records carry (``probe_layer/README.md``)."""

from collections.abc import Mapping
from typing import Final

from deployer.words import counted

EXPLAINED: Final[Mapping[str, str]] = {
    "inotify-missing": "The kernel watched no directory: files that only libraries or static programs opened may be"
    " missing",
    "inotify-refused": "The kernel refused to watch some directories (its limit of watches or descriptors): files that"
    " only libraries or static programs opened there may be missing",
    "inotify-closed": "The function closed the probe's descriptor: files that only libraries or static programs opened"
    " after that may be missing",
    "inotify-overflow": "More files were opened at once than the kernel's queue holds: some of them may be missing",
    "inotify-missed": "The witnesses disagree: an open was seen by another witness and not by the kernel's watch",
    "shim-missing": "The shim did not load: files that were only asked about (exists, stat) are missing",
    "shim-missed": "The witnesses disagree: an open was seen by another witness and not by the shim",
    "shim-static": "A program ran that makes its own system calls (static, Go, 32 bit): files that it only asked about"
    " may be missing; what lies beside it and around what it was called with is kept",
    "audit-missing": "Python's own functions could not be followed: which folders Python code browsed, and which module"
    " asked for a file, is missing",
    "journal-missing": "The journal could not be made in /tmp: what child processes and killed sandboxes touched may be"
    " missing",
    "journal-removed": "The function removed the journal in /tmp: what long-lived child processes touched after that"
    " may be missing",
    "journal-full": "The journal in /tmp is full: what was touched after that may be missing",
    "runtime-unknown": "The runtime's client was not found: there are no invocations and request ids in the records",
    "unpack-denied": "The function did not start: its role may not read the full package in S3",
    "unpack-gone": "The function did not start: the full package is gone from S3",
    "unpack-changed": "The function did not start: another object is in the place of the full package",
    "unpack-damaged": "The function did not start: the package in S3 is not what was probed",
    "unpack-space": "The function did not start: its /tmp is too small for the package",
    "unpack-unreachable": "The function did not start: S3 closed the connection again and again",
    "unpack-failed": "The function did not start: the package could not be unpacked (its log says why)",
    "guard-denied": "The guard could not bring back what was asked for: the role may not read the full package in S3",
    "guard-gone": "The guard could not bring back what was asked for: the full package is gone from S3",
    "guard-changed": "The guard could not bring back what was asked for: another object is in the full package's place",
    "guard-damaged": "The guard could not bring back a file: its bytes are not those of the full package",
    "guard-untrusted": "The guard could not bring back what was asked for: S3's certificate is not trusted there",
    "guard-unreachable": "The guard could not bring back what was asked for: S3 was not reached in time",
    "guard-space": "The guard could not bring back what was asked for: /tmp is full",
    "guard-failed": "The guard could not bring back what was asked for (its log says why)",
    "output-closed": "The function closed its output: records were written late, or never",
    "probe-failed": "The probe itself failed at a step: what it would have told then may be missing",
}
"""Each a sentence without its end: what happened, and what may be missing from the evidence."""


def explained(fault: str, records: int) -> str:
    """Return one sentence on a fault, with its name and the number of records that have it."""
    what = EXPLAINED.get(fault, "The probe reported what this version of ldeploy does not know")
    return f"{what} ({fault}, in {counted(records, 'record')})."
