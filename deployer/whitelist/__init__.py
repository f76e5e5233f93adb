"""A Package and its Evidence become a Whitelist: every path kept or dropped, with its reason.

``choose`` puts it together from the passes in ``passes``, over the tables that ``ground`` makes once, and the user's
own ``rules``; ``carry`` uses what is known of earlier builds, as far as their files are the same (``origin``);
``layers`` does for a layer what ``choose`` does for a package; ``verdict`` makes the decisions, and ``file`` writes
them down.
"""

from deployer.whitelist.carry_over import carry_over, changed_since, keep_too
from deployer.whitelist.choose import choose
from deployer.whitelist.decisions import drop_stale
from deployer.whitelist.inventory import Earlier, Inventory, inventory_from_json, inventory_to_json, take_inventory
from deployer.whitelist.layer import choose_layer
from deployer.whitelist.store import from_json, to_json, to_list
from deployer.whitelist.surroundings import Surroundings

__all__ = [
    "Earlier",
    "Inventory",
    "Surroundings",
    "carry_over",
    "changed_since",
    "choose",
    "choose_layer",
    "drop_stale",
    "from_json",
    "inventory_from_json",
    "inventory_to_json",
    "keep_too",
    "take_inventory",
    "to_json",
    "to_list",
]
