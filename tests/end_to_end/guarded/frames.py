"""Tables: readers and writers by format, engines that are imported when a format needs them, time zones."""

REQUIREMENTS = ["pandas==2.3.1", "numpy==2.3.2", "openpyxl==3.1.5", "lxml==6.0.0", "tzdata==2025.2", "pytz==2025.2",
                "tabulate==0.9.0", "jinja2==3.1.6"]  # fmt: skip
EVENTS = [
    {"to": "csv", "zone": "Europe/Zurich"},
    {"to": "excel", "zone": "Asia/Tokyo"},
    {"to": "html", "zone": "dateutil/America/New_York"},
    {"to": "xml", "zone": "UTC"},
    {"to": "markdown", "zone": "Australia/Lord_Howe"},
    {"to": "latex", "zone": "Africa/Cairo"},
    {"to": "stata", "zone": "America/Sao_Paulo"},
]

import io

import pandas


def handler(event, context):
    moment = pandas.Timestamp("2024-07-01 12:00", tz="UTC").tz_convert(event["zone"])
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    to = event["to"]
    if to == "excel":
        stream = io.BytesIO()
        frame.to_excel(stream, index=False)
        return [str(moment), pandas.read_excel(stream).to_csv()]
    if to == "stata":
        stream = io.BytesIO()
        frame.to_stata(stream, write_index=False, time_stamp=pandas.Timestamp("2024-01-01").to_pydatetime())
        return [str(moment), pandas.read_stata(io.BytesIO(stream.getvalue())).to_csv()]
    text = getattr(frame, f"to_{to}")(index=False)
    if to == "html":
        text += str(len(pandas.read_html(io.StringIO(text))))
    return [str(moment), text]
