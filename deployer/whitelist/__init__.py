"""A Package and its Evidence become a Whitelist: every path kept or dropped, with its reason.

``choose`` decides on a package and ``layer`` on a layer. Both use the passes of ``closure``, the tables of
``package_index``, the user's own rules (``user_rules``) and what a function's ``surroundings`` need. ``carry_over``
uses what is known of earlier builds, as far as their files did not change (``inventory``). ``decisions`` makes the
whitelist, and ``store`` writes it.
"""

from deployer.whitelist.carry_over import carry_over, changed_since, keep_all, keep_too
from deployer.whitelist.choose import choose
from deployer.whitelist.decisions import drop_stale
from deployer.whitelist.inventory import Earlier, Inventory, inventory_from_json, inventory_to_json, take_inventory
from deployer.whitelist.layer import choose_layer
from deployer.whitelist.lean import completed, from_lean_json, is_applied, is_lean, to_lean_json
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
    "completed",
    "drop_stale",
    "from_json",
    "from_lean_json",
    "inventory_from_json",
    "inventory_to_json",
    "is_applied",
    "is_lean",
    "keep_all",
    "keep_too",
    "take_inventory",
    "to_json",
    "to_lean_json",
    "to_list",
]
