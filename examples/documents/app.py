"""Invoices: written with reportlab, read back with pdfplumber."""

import io

import pdfplumber
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle


def write(event):
    rows = [["item", "price"], *[[f"part {number}", f"{number * 1.5:.2f}"] for number in range(event["items"])]]
    table = Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)]))
    page = io.BytesIO()
    SimpleDocTemplate(page, pagesize=A4, invariant=1).build(
        [Paragraph("Invoice", getSampleStyleSheet()["Title"]), table]
    )
    return page


def table(event):
    with pdfplumber.open(write(event)) as document:
        return document.pages[0].extract_table()


def words(event):
    with pdfplumber.open(write(event)) as document:
        return [word["text"] for word in document.pages[0].extract_words()]


def handler(event, context):
    return {"table": table, "words": words}[event["do"]](event)
