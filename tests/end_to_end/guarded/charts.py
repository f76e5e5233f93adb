"""Charts: backends by format, fonts by name, styles by name, projections."""

REQUIREMENTS = ["matplotlib==3.10.5"]
EVENTS = [
    {"format": "png"},
    {"format": "svg", "font": "DejaVu Serif"},
    {"format": "pdf", "style": "ggplot"},
    {"format": "png", "projection": "3d", "font": "STIXGeneral"},
    {"format": "ps", "math": True, "style": "dark_background"},
]

import hashlib
import io
import os
import re

os.environ["MPLCONFIGDIR"] = "/tmp/matplotlib"
os.environ["SOURCE_DATE_EPOCH"] = "0"

import matplotlib

matplotlib.use("agg")
matplotlib.rcParams["svg.hashsalt"] = "x"

from matplotlib import pyplot


def handler(event, context):
    with pyplot.style.context(event.get("style", "default")):
        matplotlib.rcParams["font.family"] = event.get("font", "DejaVu Sans")
        figure = pyplot.figure()
        axes = figure.add_subplot(projection=event.get("projection"))
        axes.plot([1, 2, 3], [2, 1, 3])
        axes.set_title(r"$\sum_i \alpha^i$" if event.get("math") else "Title")
        stream = io.BytesIO()
        figure.savefig(stream, format=event["format"], metadata={} if event["format"] != "svg" else {"Date": None})
        pyplot.close(figure)
    drawn = stream.getvalue()
    if event["format"] == "svg":
        drawn = b"".join(sorted(re.sub(rb"[a-z]*[0-9a-f]{9,}", b"", drawn).splitlines()))  # names differ each time
    return hashlib.sha256(drawn).hexdigest()
