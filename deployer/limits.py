"""Lambda's limits, in bytes unless said otherwise, each with its source.

Source: AWS Lambda Developer Guide, "Lambda quotas"
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""

import re
from typing import Final

MIB: Final = 1024 * 1024

UNZIPPED: Final = 262_144_000
"""Code and all layers together, unzipped: 250 MB. Holds for packages from S3 too."""

ZIPPED_DIRECT: Final = 50 * MIB
"""A zip sent in the request itself; a bigger one goes by S3."""

LAYERS: Final = 5
"""Layers on one function."""

ENVIRONMENT: Final = 4096
"""All environment variables together: names and values."""

LOG_LINE: Final = 200_000
"""Longest line that the probe writes; Lambda splits lines near 262,144 bytes."""

START_UP_MS: Final = 10_000
"""Start-up before the first invocation; after that it is run again inside the invocation."""

PAYLOAD: Final = 6 * MIB
"""Request and answer of a synchronous invocation."""

STORAGE: Final = 10_240
"""MB of /tmp that a function may have."""

TIMEOUT: Final = 900
"""Seconds that an invocation may take."""

NO_WRAPPER_RUNTIMES: Final = ("provided", "go1.x")
"""Runtimes that do not honour AWS_LAMBDA_EXEC_WRAPPER
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html)."""

PYTHON_RUNTIMES: Final = tuple(f"python3.{minor}" for minor in range(9, 15))
"""Runtimes that the probe layer is made for."""


def is_python(runtime: str) -> bool:
    """Return whether a text is the name of a Python runtime: it is looked up as a program, so nothing else may pass."""
    return re.fullmatch(r"python3\.[0-9]{1,2}", runtime) is not None
