"""Countries, telephone numbers and languages: large tables, of which each request reads a few files."""

REQUIREMENTS = ["pycountry==24.6.1", "phonenumbers==9.0.9", "emoji==2.14.1"]
EVENTS = [
    {"number": "+41446681800", "to": "de"},
    {"number": "+16502530000", "to": "fr"},
    {"number": "+911123456789", "to": "en"},
]

import gettext

import emoji
import phonenumbers
import phonenumbers.geocoder
import phonenumbers.timezone
import pycountry


def handler(event, context):
    number = phonenumbers.parse(event["number"])
    country = pycountry.countries.get(alpha_2=phonenumbers.region_code_for_number(number))
    words = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[event["to"]], fallback=True)
    return [
        words.gettext(country.name),
        phonenumbers.geocoder.description_for_number(number, event["to"]),
        phonenumbers.timezone.time_zones_for_number(number),
        len(pycountry.subdivisions.get(country_code=country.alpha_2)),
        emoji.emojize(":thumbs_up:", language=event["to"] if event["to"] != "fr" else "en"),
    ]
