"""Workbooks and XML: openpyxl with lxml."""

import io

from lxml import etree
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference


def workbook(event):
    book = Workbook()
    sheet = book.active
    for number in range(event["rows"]):
        sheet.append([f"row {number}", number, f"=B{number + 1}*2"])
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=event["rows"]))
    sheet.add_chart(chart, "E2")
    file = io.BytesIO()
    book.save(file)
    return [[cell.value for cell in row] for row in load_workbook(file).active.rows]


def transformed(event):
    sheet = etree.XML(
        '<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform">'
        '<x:template match="/"><out><x:value-of select="sum(//n)"/></out></x:template></x:stylesheet>'
    )
    numbers = etree.XML("<all>" + "".join(f"<n>{number}</n>" for number in event["numbers"]) + "</all>")
    return str(etree.XSLT(sheet)(numbers))


def handler(event, context):
    return {"workbook": workbook, "transformed": transformed}[event["do"]](event)
