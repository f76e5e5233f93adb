"""What every stage of the flow is given: the account, the files of one function, who is told, and the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from deployer.aws import Aws
from deployer.notices import Notices
from deployer.state.workspace import Workspace


@dataclass(frozen=True)
class Context:
    """The surroundings of one command."""

    aws: Aws
    workspace: Workspace
    notices: Notices
    now: Callable[[], int]
    """Return milliseconds since 1970."""
    sleep: Callable[[float], None] = time.sleep
    """Wait for so many seconds."""
