"""The discovery curve as SVG: files found over cold starts, what is expected, and what there is at least."""

import math
from collections.abc import Iterable, Iterator
from typing import Final

from deployer.evidence.discovery import Discovery

_WIDTH: Final = 760
_HEIGHT: Final = 240
_LEFT: Final = 56
_RIGHT: Final = 16
_TOP: Final = 14
_BOTTOM: Final = 34


def curve(found: Discovery) -> str:
    """Return the curve as one ``<svg>`` with a text for those who do not see it."""
    last = found.expected[-1][0]
    scale = _Scale(last, 0.9 * found.seen[0][1], max(found.total, found.expected[-1][1]))
    seen, files = found.seen[-1]
    words = f"{files:.0f} paths were seen in {seen} cold starts; there are at least {found.total}."
    parts = (
        *scale.axes(),
        scale.level("total", found.total),
        f'<path class="seen" d="{scale.path(found.seen)}"/>',
        f'<path class="expected" d="{scale.path(found.expected)}"/>',
    )
    start = f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{words}">'
    return f"{start}{''.join(parts)}</svg>"


class _Scale:
    """From cold starts and files to places in the picture.

    Args:
        last: how many cold starts it goes up to.
        least: files at the lower edge; the first cold start alone touches most files, so it is not 0.
        most: files at the upper edge.
    """

    def __init__(self, last: float, least: float, most: float) -> None:
        room = max(0.08 * (most - least), 0.5)
        self._last, self._least, self._most = last, max(0.0, least - room), most + room

    def x(self, starts: float) -> str:
        """Return the place of a number of cold starts."""
        return f"{_LEFT + (_WIDTH - _LEFT - _RIGHT) * starts / self._last:.1f}"

    def y(self, files: float) -> str:
        """Return the place of a number of files."""
        share = (files - self._least) / (self._most - self._least)
        return f"{_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share:.1f}"

    def path(self, points: Iterable[tuple[int, float]]) -> str:
        """Return the line through these points."""
        return "M" + "L".join(f"{self.x(starts)},{self.y(files)}" for starts, files in points)

    def level(self, kind: str, files: float) -> str:
        """Return a line from side to side at a number of files."""
        return f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{self.y(files)}" y2="{self.y(files)}"/>'

    def axes(self) -> Iterator[str]:
        """Yield lines and numbers."""
        for files in ticks(self._least, self._most):
            yield self.level("axis", files)
            yield f'<text x="{_LEFT - 6}" y="{self.y(files)}" dy="4" text-anchor="end">{files:,}</text>'
        for starts in ticks(0, self._last):
            yield f'<text x="{self.x(starts)}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{starts:,}</text>'
        yield f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">cold starts</text>'


def ticks(least: float, most: float) -> list[int]:
    """Return about five round numbers from ``least`` to ``most``."""
    rough = (most - least) / 5
    power = 10 ** math.floor(math.log10(rough)) if rough > 0 else 1
    step = max(1, round(next((factor * power for factor in (1, 2, 5) if factor * power >= rough), 10 * power)))
    return list(range(math.ceil(least / step) * step, math.floor(most) + 1, step))
