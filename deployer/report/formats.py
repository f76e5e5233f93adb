"""The output formats, one row each in ``FORMATS`` or ``PAGES``; a new one is a module here with a function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployer.errors import LdeployError
from deployer.report.json import to_json
from deployer.report.markdown import comment
from deployer.report.models import Report
from deployer.report.page import PageContent, page
from deployer.report.text import text

Write = Callable[[Sequence[Report], LdeployError | None], str]
"""Return the reports of a command, of one function or of several, as one text that ends with a newline.

The error is what the reports as a whole say went wrong.
"""


@dataclass(frozen=True)
class Format:
    """How reports are shown."""

    write: Write
    complete: bool = False
    """Whether warnings and the error are in it, so that stderr need not tell them."""


def _text(reports: Sequence[Report], _: LdeployError | None) -> str:
    return "".join(map(text, reports))


FORMATS: Final[Mapping[str, Format]] = {
    "text": Format(_text),
    "json": Format(to_json, complete=True),
}
"""By the name that ``--output`` takes; the first is the default."""

PAGES: Final[Mapping[str, Callable[[PageContent], str]]] = {"html": page, "markdown": comment}
"""How a shrink is shown with all that it left, by name."""
