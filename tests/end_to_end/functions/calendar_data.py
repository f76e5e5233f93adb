"""Time zones and holidays: data files read by importlib.resources, modules imported by name."""

REQUIREMENTS = ["python-dateutil==2.9.0.post0", "tzdata==2025.2", "pytz==2025.2", "holidays==0.76"]
EVENTS = [{"zone": "Europe/Zurich", "country": "CH"}, {"zone": "Asia/Kolkata", "country": "IN"}]

import datetime
import zoneinfo

import dateutil.parser
import dateutil.zoneinfo
import holidays
import pytz

zoneinfo.reset_tzpath(to=[])  # Lambda's machine has none: tzdata's are read


def handler(event, context):
    when = dateutil.parser.parse("2024-07-01T12:00:00Z")
    return {
        "zoneinfo": when.astimezone(zoneinfo.ZoneInfo(event["zone"])).isoformat(),
        "pytz": when.astimezone(pytz.timezone(event["zone"])).isoformat(),
        "dateutil": when.astimezone(dateutil.zoneinfo.get_zonefile_instance().get(event["zone"])).isoformat(),
        "holiday": holidays.country_holidays(event["country"]).get(datetime.date(2024, 1, 26)),
    }
