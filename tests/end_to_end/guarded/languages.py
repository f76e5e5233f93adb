"""Languages: dictionaries, profiles and stemmers by language, words for numbers, catalogues of gettext."""

REQUIREMENTS = ["pyphen==0.17.2", "snowballstemmer==3.0.1", "humanize==4.12.3",
                "dateparser==1.2.2", "faker==37.5.3", "wtforms==3.2.1"]  # fmt: skip
EVENTS = [
    {"language": "en_US", "stemmer": "english", "to": "en"},
    {"language": "de_DE", "stemmer": "german", "to": "de", "date": "1. März 2024"},
    {"language": "fr_FR", "stemmer": "french", "to": "fr", "date": "il y a 2 jours"},
    {"language": "ru_RU", "stemmer": "russian", "to": "ru", "date": "3 мая 2023 г."},
    {"language": "it_IT", "stemmer": "italian", "to": "it", "date": "5 giugno 2022"},
]

import datetime

import pyphen
import snowballstemmer


def handler(event, context):
    language, found = event["language"], []
    found.append(pyphen.Pyphen(lang=language).inserted("international"))
    found.append(snowballstemmer.stemmer(event["stemmer"]).stemWord("running"))
    if event["to"] != "en":
        import dateparser
        import faker
        import humanize
        import wtforms.i18n

        humanize.i18n.activate(language)
        found.append(humanize.naturaldelta(datetime.timedelta(days=40)))
        base = {"RELATIVE_BASE": datetime.datetime(2024, 1, 10)}
        found.append(str(dateparser.parse(event["date"], languages=[event["to"]], settings=base)))
        faker.Faker.seed(7)
        fake = faker.Faker(language)
        found += [fake.name(), fake.address(), fake.color_name(), fake.job()]
        found.append(wtforms.i18n.get_translations([event["to"]]).gettext("This field is required."))
    return found
