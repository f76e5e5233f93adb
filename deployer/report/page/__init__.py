"""The report of a shrink as one HTML file that opens offline; ``page`` makes it of plain data.

``models`` has the data, ``render`` the document, ``headline`` and ``sections`` its parts, ``curve`` the discovery
curve; ``tree`` packs the package's files for the browser. ``assets`` holds the style, the script, and d3-hierarchy (ISC
licence), which lays out the treemap.
"""

from deployer.models.outcome import Fate
from deployer.report.page.models import FileRow, PageContent, Suggestion
from deployer.report.page.render import page
from deployer.report.since import Since

__all__ = ["Fate", "FileRow", "PageContent", "Since", "Suggestion", "page"]
