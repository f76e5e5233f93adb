"""Templates of a package in the function, formatted for many countries: locale data loaded when it is asked for."""

REQUIREMENTS = ["jinja2==3.1.6", "babel==2.17.0"]
EVENTS = [{"locale": "de_CH", "amount": 1234.5}, {"locale": "ja_JP", "amount": 99}, {"locale": "ar_EG", "amount": 7}]
FILES = {
    "shop/__init__.py": "",
    "shop/templates/base.html": "<h1>{% block title %}{% endblock %}</h1>",
    "shop/templates/bill.html": "{% extends 'base.html' %}{% block title %}{{ amount }} {{ country }}{% endblock %}",
    "shop/templates/never.html": "unused",
}

import babel
import babel.numbers
import jinja2

templates = jinja2.Environment(loader=jinja2.PackageLoader("shop"), autoescape=True)


def handler(event, context):
    locale = babel.Locale.parse(event["locale"])
    amount = babel.numbers.format_currency(event["amount"], "CHF", locale=locale)
    return templates.get_template("bill.html").render(amount=amount, country=locale.get_territory_name("en"))
