"""The output formats, one row each in ``FORMATS`` or ``PAGES``; a new one is a module here with a function.

A format is imported when it is used: the command line asks for the names only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deployer.errors import LdeployError
    from deployer.report.models import Report
    from deployer.report.page import PageContent


@dataclass(frozen=True)
class Format:
    """How reports are shown."""

    write: "Callable[[Sequence[Report], LdeployError | None], str]"
    """Return the reports of a command, of one function or of several, as one text that ends with a newline.

    The error is what the reports as a whole say went wrong.
    """
    complete: bool = False
    """Whether warnings and the error are in it, so that stderr need not tell them."""


def _text(reports: "Sequence[Report]", _: "LdeployError | None") -> str:
    from deployer.report.text import text

    return "".join(map(text, reports))


def _json(reports: "Sequence[Report]", failure: "LdeployError | None") -> str:
    from deployer.report.json import to_json

    return to_json(reports, failure)


FORMATS: Final[Mapping[str, Format]] = {
    "text": Format(_text),
    "json": Format(_json, complete=True),
}
"""By the name that ``--output`` takes; the first is the default."""


def _page(content: "PageContent") -> str:
    from deployer.report.page import page

    return page(content)


def _comment(content: "PageContent") -> str:
    from deployer.report.markdown import comment

    return comment(content)


PAGES: Final[Mapping[str, "Callable[[PageContent], str]"]] = {"html": _page, "markdown": _comment}
"""How a shrink is shown with all that it left, by name."""
