"""freezegun replaces the clock in every module that has it; eventlet replaces ``os`` and ``time``."""

REQUIREMENTS = ["freezegun==1.5.5", "eventlet==0.41.3"]
EVENTS = ["2012-01-14", "1999-12-31"]
FILES = {"data/day.txt": "x"}

import eventlet

eventlet.monkey_patch()

import os
import time

import freezegun


def handler(event, context):
    """The day that the clock is held at, and a file that is opened meanwhile."""
    with freezegun.freeze_time(event):
        with open(os.path.join(os.path.dirname(__file__), "data", "day.txt")) as file:
            return [time.strftime("%Y-%m-%d"), file.read()]
