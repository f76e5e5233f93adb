"""Dates of a zip's entries: those that are made here, and what they are in seconds.

MS-DOS has them, date << 16 | time, from 1980 to 2107, in steps of two seconds and of no time zone
(APPNOTE 4.4.6); Lambda unpacks them as UTC.
"""

import calendar
import time
from typing import Final

OURS: Final = 0x2821_0000
"""2000-01-01 00:00: of entries that are made here. It is after 1980, where a zip's dates begin, in every time zone."""
_BEGIN: Final = 946_684_800
"""2000-01-01 UTC, in seconds since 1970."""


def date_of_contents(crc32: int) -> int:
    """Return a date that follows from the contents, between 2000 and 2017.

    The same build gives the same bytes, whenever it was made; other contents have another date, so that an ETag or a
    Last-Modified that is made of date and size is another one too. ``zipfile`` refuses dates before 1980 in local
    time: this is none in any time zone.

    Args:
        crc32: of the contents. Its upper 28 bits are taken as so many steps of two seconds.
    """
    moment = time.gmtime(_BEGIN + 2 * (crc32 >> 4))
    days = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return days << 16 | moment.tm_hour << 11 | moment.tm_min << 5 | moment.tm_sec >> 1


def seconds_of(date: int) -> int:
    """Return a date in seconds since 1970, taken as UTC.

    Months and days that are none, as of tools that write a date of 0, count on from the last one that is.
    """
    days, clock = date >> 16, date & 0xFFFF
    year, month, day = 1980 + (days >> 9), days >> 5 & 15, days & 31
    first = calendar.timegm((year + (month - 1) // 12, (month - 1) % 12 + 1, 1, 0, 0, 0))
    return first + 86_400 * (day - 1) + 3600 * (clock >> 11) + 60 * (clock >> 5 & 63) + 2 * (clock & 31)
