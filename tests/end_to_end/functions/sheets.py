"""A workbook written and read, its XML looked at by a parser in C."""

REQUIREMENTS = ["openpyxl==3.1.5", "lxml==6.0.0"]
EVENTS = [{"rows": 3}, {"rows": 0}, {"rows": 2, "style": "TableStyleMedium9"}]

import io
import zipfile

import lxml.etree
import lxml.isoschematron
import openpyxl
from openpyxl.worksheet.table import Table, TableStyleInfo


def handler(event, context):
    book = openpyxl.Workbook()
    book.active.append(["number", "square"])
    for number in range(event["rows"]):
        book.active.append([number, number**2])
    if "style" in event:
        style = TableStyleInfo(name=event["style"])
        book.active.add_table(Table(displayName="all", ref=f"A1:B{event['rows'] + 1}", tableStyleInfo=style))
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as archive:
        sheet = lxml.etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(stream).active]
    schema = lxml.isoschematron.Schematron(
        lxml.etree.XML(
            '<schema xmlns="http://purl.oclc.org/dsdl/schematron"><pattern><rule context="a">'
            '<assert test="b">no b</assert></rule></pattern></schema>'
        )
    )
    return [rows, sheet.tag, schema.validate(lxml.etree.XML("<a/>"))]
