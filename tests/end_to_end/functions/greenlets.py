"""Everything that gevent can replace is replaced: the probe goes on."""

REQUIREMENTS = ["gevent==26.9.0"]
EVENTS = ["ring", "listen"]
FILES = {"data/ring.txt": "ring", "data/listen.txt": "listen"}

from gevent import monkey

monkey.patch_all()

import os

import gevent


def handler(event, context):
    """Two greenlets, each of which looks at a file and opens it."""
    place = os.path.join(os.path.dirname(__file__), "data", f"{event}.txt")
    jobs = [gevent.spawn(os.path.exists, place), gevent.spawn(lambda: open(place).read())]
    gevent.joinall(jobs, timeout=10)
    return [job.value for job in jobs]
