"""Every error that a user may see: one root, with an exit code and an advice.

LdeployError                1  failed, with what to do about it
├── UsageError              2  the command line or a settings file is wrong
├── OverLimitError          3  over a limit of Lambda's, with what weighs most
├── NotEnoughEvidenceError  4  the log holds too little to shrink by
├── TrialFailedError        5  the new package failed its trial and was taken back
├── PackageError            1  the package is broken, or not what it should be
├── CloudError              1  AWS refused
│   ├── MissingError        1  a function, bucket, object or log group is not there
│   ├── DeniedError         1  a permission is missing
│   └── ConflictError       1  something else changed the function meanwhile
└── WorkspaceError          1  what an earlier run left is broken, or not there
    └── BusyError           1  another run works on the function
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the process; scripts of others rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    OVER_LIMIT = 3
    NOT_ENOUGH_EVIDENCE = 4
    TRIAL_FAILED = 5
    INTERRUPTED = 130


class LdeployError(Exception):
    """What went wrong, in one sentence, and what to do about it, in another.

    Args:
        what: what went wrong and where, one sentence.
        advice: what the user can do, one sentence.
        exit_code: where it is another than that of its kind.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, advice: str = "", exit_code: ExitCode | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.exit_code = self.exit_code if exit_code is None else exit_code

    def __str__(self) -> str:
        return f"{self.what} {self.advice}".strip()


class UsageError(LdeployError):
    exit_code = ExitCode.USAGE


class OverLimitError(LdeployError):
    exit_code = ExitCode.OVER_LIMIT


class NotEnoughEvidenceError(LdeployError):
    exit_code = ExitCode.NOT_ENOUGH_EVIDENCE


class TrialFailedError(LdeployError):
    exit_code = ExitCode.TRIAL_FAILED


class PackageError(LdeployError):
    """The package is broken, or not what it should be."""


class CloudError(LdeployError):
    """AWS refused."""


class MissingError(CloudError):
    """A function, bucket, object or log group is not there."""


class DeniedError(CloudError):
    """A permission is missing."""


class ConflictError(CloudError):
    """Something else changed the function meanwhile."""


class WorkspaceError(LdeployError):
    """What an earlier run left is broken, or not there."""


class BusyError(WorkspaceError):
    """Another run works on the function."""
