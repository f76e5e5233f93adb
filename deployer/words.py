"""Figures in words: one way of writing sizes, shares and counts, wherever a report is shown."""

MINUS = "\N{MINUS SIGN}"
"""As wide as a plus; for the page, where the font has it."""


_LEAST = 50_000
"""Bytes below which a tenth of a megabyte says nothing."""


def megabytes(size: int | float) -> str:
    """Return bytes as megabytes of a million: ``"12.3 MB"``; a few as kilobytes of a thousand: ``"5.9 kB"``."""
    return f"{size / 1e3:,.1f} kB" if 0 < abs(size) < _LEAST else f"{size / 1e6:,.1f} MB"


def bytes_changed(before: int, after: int) -> str:
    """Return what was saved or added: ``"-12.3 MB"``."""
    change = after - before
    return f"{'+' if change >= 0 else '-'}{megabytes(abs(change))}"


def percent(share: float) -> str:
    """Return a share of one: ``"3.2 %"``."""
    return f"{100 * share:.1f} %"


def seconds(milliseconds: float) -> str:
    """Return a duration: ``"1.31 s"``, or ``"310 ms"`` below one second."""
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def duration(milliseconds: int) -> str:
    """Return a time in its biggest whole unit: ``"15 min"``, ``"90 s"``."""
    for unit, size in (("h", 3_600_000), ("min", 60_000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size:,} {unit}"
    return f"{milliseconds / 1000:,.0f} s"


def counted(number: int, what: str, plural: str = "") -> str:
    """Return a number with its noun: ``"1 file"``, ``"1,200 files"``.

    Args:
        number: how many.
        what: the noun in the singular.
        plural: the noun in the plural, where it is not made with an s.
    """
    return f"{number:,} {what if number == 1 else plural or what + 's'}"
