"""pyfakefs puts a file system of its own in the place of the real one, in every module."""

REQUIREMENTS = ["pyfakefs==6.3.2"]
EVENTS = ["fake", "real"]
FILES = {"data/real.txt": "real"}

import os

from pyfakefs.fake_filesystem_unittest import Patcher


def handler(event, context):
    """What lies in the real file, seen while nothing but fake ones are there, and afterwards."""
    place = os.path.join(os.path.dirname(__file__), "data", "real.txt")
    if event == "real":
        with open(place) as file:
            return file.read()
    with Patcher() as patcher:
        patcher.fs.create_file("/made/up.txt", contents="made up")
        with open("/made/up.txt") as file:
            return [file.read(), os.path.exists(place)]
