"""A site: templates, translations, migrations and commands that are found by their folder's listing."""

REQUIREMENTS = ["django==5.2.4", "tzdata==2025.2"]
EVENTS = [
    {"path": "/"},
    {"path": "/admin/login/"},
    {"path": "/", "language": "de"},
    {"path": "/absent", "language": "ja"},
    {"command": "check"},
    {"command": "migrate"},
    {"path": "/fails"},
    {"command": "sqlmigrate"},
]
FILES = {
    "shop/__init__.py": "",
    "shop/templates/page.html": "{% load i18n humanize %}{% now 'F' %}{% trans 'Yes' %} {{ 1234567|intword }}",
    "shop/urls.py": "from django.contrib import admin\nfrom django.urls import path\nfrom django.shortcuts import render\n"
    "urlpatterns = [path('admin/', admin.site.urls), path('', lambda r: render(r, 'page.html')),\n"
    "               path('fails', lambda r: 1 / 0)]\n",
    "shop/settings.py": "DEBUG = True\nSECRET_KEY = 'x'\nROOT_URLCONF = 'shop.urls'\nALLOWED_HOSTS = ['*']\n"
    "INSTALLED_APPS = ['django.contrib.' + n for n in ('admin', 'auth', 'contenttypes', 'sessions', 'messages', 'humanize')]\n"
    "INSTALLED_APPS.append('shop')\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/tmp/db'}}\n"
    "MIDDLEWARE = ['django.contrib.sessions.middleware.SessionMiddleware', 'django.middleware.locale.LocaleMiddleware',\n"
    "  'django.contrib.auth.middleware.AuthenticationMiddleware', 'django.contrib.messages.middleware.MessageMiddleware']\n"
    "TEMPLATES = [{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True, 'OPTIONS': {\n"
    "  'context_processors': ['django.template.context_processors.request', 'django.contrib.auth.context_processors.auth',\n"
    "  'django.contrib.messages.context_processors.messages']}}]\nTIME_ZONE = 'Europe/Zurich'\nUSE_TZ = True\n",
}

import io
import os
import re

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"

import django

django.setup()
CHANGING = re.compile(r'value="[A-Za-z0-9]{64}"|0x[0-9a-f]+|\d{4}|\d\d:\d\d|[0-9.]+ ms')


def handler(event, context):
    if "command" in event:
        from django.core.management import call_command

        out = io.StringIO()
        arguments = ["auth", "0001"] if event["command"] == "sqlmigrate" else []
        call_command(event["command"], *arguments, stdout=out, no_color=True)
        return out.getvalue()
    from django.test import Client

    client = Client(raise_request_exception=False, headers={"accept-language": event.get("language", "en")})
    answer = client.get(event["path"])
    text = answer.content.decode()
    shown = text[:300] if event["path"] == "/" else text.count('class="frame')
    return [answer.status_code, shown, len(text.splitlines()) if answer.status_code != 500 else 0]
