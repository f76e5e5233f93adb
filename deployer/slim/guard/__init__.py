"""A slim package becomes a guarded one: what was dropped is brought back when it is asked for after all.

.ldeploy/guard.idx             what was dropped, and where its bytes lie (probe_layer/guard/index.py)
.ldeploy/guard.pack            those bytes in blocks, where they are inside the package
.ldeploy/guard/<machine>.so    the shim
.ldeploy/probe_layer/          the fetcher that the shim starts
.ldeploy/start                 the wrapper (AWS_LAMBDA_EXEC_WRAPPER)
"""

from deployer.slim.guard.make import Guarded, GuardMode, GuardRequest, guard, most_room
from deployer.slim.guard.plan import without_links

__all__ = ["GuardMode", "GuardRequest", "Guarded", "guard", "most_room", "without_links"]
