"""A package and a recipe become a smaller zip: what did not change is copied, still packed.

``recipe`` says what happens to each kept path (a transform of ``transforms/``, or a copy), ``write`` does it, ``spool``
holds the parts until all sizes are known.
"""

from deployer.models.settings import Settings
from deployer.slim.pack import Bucket, pack, part
from deployer.slim.recipe import copy_all, recipe
from deployer.slim.transforms.base import Recipe
from deployer.slim.write import Slim, write_slim

__all__ = ["Bucket", "Recipe", "Settings", "Slim", "copy_all", "pack", "part", "recipe", "write_slim"]
