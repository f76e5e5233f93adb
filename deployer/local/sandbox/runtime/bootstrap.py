"""What Lambda's Python runtime does between its start and the runtime client: the search path.

A wrapper that is itself a Python script may set up and then call ``main()`` in the same process.
"""

import os
import site
import sys

ROOT = "@ROOT@"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
OPT_SITE = ROOT + "/opt/python/lib/" + PYTHON + "/site-packages"
OPT = ROOT + "/opt/python"
LANG_SITE = ROOT + "/var/lang/lib/" + PYTHON + "/site-packages"


def main() -> None:
    """Order the search path as Lambda does, run the .pth files, then hand over to the runtime client."""
    task = os.environ["LAMBDA_TASK_ROOT"]
    own_path = "PYTHONPATH" in os.environ
    sys.path[:0] = [task] if own_path else [task, OPT_SITE, OPT, LANG_SITE]
    site.addsitedir(task)
    if not own_path:
        site.addsitedir(OPT_SITE)
        site.addsitedir(OPT)
        os.environ["PYTHONPATH"] = os.environ["LAMBDA_RUNTIME_DIR"]
    # Only now: the package may bring a runtime client of its own.
    from awslambdaric.__main__ import main as serve  # noqa: PLC0415

    serve([task, os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
