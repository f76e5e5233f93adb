"""A page and a PDF: templates, style sheets and fonts beside the modules, writers imported by name."""

REQUIREMENTS = ["docutils==0.21.2", "reportlab==4.4.3"]
EVENTS = [{"writer": "html5"}, {"writer": "latex"}, {"writer": "odf_odt"}]

import hashlib
import io

import docutils.core
import reportlab.rl_config
from reportlab.graphics.barcode import code128
from reportlab.pdfbase import pdfmetrics, ttfonts
from reportlab.pdfgen import canvas

reportlab.rl_config.invariant = 1
TEXT = "Title\n=====\n\n.. code:: python\n\n   x = 1\n\n* one\n* two\n"


def handler(event, context):
    text = docutils.core.publish_string(TEXT, writer_name=event["writer"], settings_overrides={"_disable_config": True})
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    pdfmetrics.registerFont(ttfonts.TTFont("Vera", "Vera.ttf"))
    page.setFont("Vera", 12)
    page.drawString(72, 720, "Total")
    page.setFont("Times-Roman", 12)
    page.drawString(72, 700, "in Times")
    code128.Code128("12345").drawOn(page, 72, 600)
    page.save()
    size = len(text) if event["writer"] != "odf_odt" else bool(text)
    return [size, hashlib.sha256(stream.getvalue()).hexdigest()]
