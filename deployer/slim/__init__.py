"""A package and a recipe become a smaller zip: what did not change is copied as it lies, still packed.

``recipe`` says what happens to each kept path, ``write`` does it, ``spool`` holds the parts until all sizes are known.
"""

from deployer.slim.pack import Elsewhere, pack, part
from deployer.slim.recipe import Action, Recipe, Settings, as_it_lies, recipe
from deployer.slim.savings import BYTECODE
from deployer.slim.write import Slim, write_slim

__all__ = [
    "BYTECODE",
    "Action",
    "Elsewhere",
    "Recipe",
    "Settings",
    "Slim",
    "as_it_lies",
    "pack",
    "part",
    "recipe",
    "write_slim",
]
