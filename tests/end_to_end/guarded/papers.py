"""PDF: character maps by name, fonts by name, ciphers that are imported when a file needs them."""

REQUIREMENTS = ["pdfminer.six==20250506", "pypdf==5.9.0", "reportlab==4.4.3", "fpdf2==2.8.3", "cryptography==45.0.5"]
EVENTS = [
    {"font": "Helvetica"},
    {"font": "HeiseiMin-W3", "text": "日本語"},
    {"font": "STSong-Light", "text": "中文"},
    {"font": "ZapfDingbats", "password": "x"},
    {"font": "HYSMyeongJo-Medium", "text": "한국어", "read": "fpdf"},
]

import io

import pypdf
import reportlab.rl_config
from pdfminer.high_level import extract_text
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen import canvas

reportlab.rl_config.invariant = 1


def handler(event, context):
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    if event.get("text"):
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont

        pdfmetrics.registerFont(UnicodeCIDFont(event["font"]))
    page.setFont(event["font"], 12)
    page.drawString(72, 700, event.get("text", "text"))
    page.save()
    if event.get("password"):
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(stream.getvalue()))
        writer.encrypt(event["password"], algorithm="AES-256")
        stream = io.BytesIO()
        writer.write(stream)
        reader = pypdf.PdfReader(stream, password=event["password"])
        return [len(reader.pages), reader.is_encrypted]
    if event.get("read") == "fpdf":
        import fpdf

        made = fpdf.FPDF()
        made.add_page()
        made.set_font("Courier", size=9)
        made.cell(text="more")
        stream = io.BytesIO(bytes(made.output()))
    return [extract_text(io.BytesIO(stream.getvalue())).strip(), len(pypdf.PdfReader(stream).pages)]
