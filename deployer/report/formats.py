"""The output formats, one row each; a new one is a module here with a function and its row in ``FORMATS``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployer.errors import LdeployError, UsageError
from deployer.report.html import page
from deployer.report.json import to_json
from deployer.report.models import Report, ShrinkReport
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
    any_report: bool = True
    """Whether it shows every report, and so may be asked for with ``--output``."""


def _text(reports: Sequence[Report], _: LdeployError | None) -> str:
    return "".join(map(text, reports))


def _html(reports: Sequence[Report], _: LdeployError | None) -> str:
    match reports:
        case [ShrinkReport() as report]:
            return page(report)
    raise UsageError("A page shows the report of one shrink.", "Use another format.")


FORMATS: Final[Mapping[str, Format]] = {
    "text": Format(_text),
    "json": Format(to_json, complete=True),
    "html": Format(_html, complete=True, any_report=False),
}
"""By name; the first is the default of ``--output``."""

ANY_REPORT: Final = tuple(name for name, one in FORMATS.items() if one.any_report)
"""The names that ``--output`` takes."""
