"""A Package and its Evidence become a Whitelist: every path kept or dropped, with its reason.

``choose`` puts it together from the passes in ``passes``, over the tables that ``ground`` makes once, and the user's
own ``rules``; ``file`` writes it down.
"""

from deployer.whitelist.choose import carry_over, choose, keep_too
from deployer.whitelist.file import from_json, to_json, to_list

__all__ = ["carry_over", "choose", "from_json", "keep_too", "to_json", "to_list"]
