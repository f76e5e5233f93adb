"""A client that only asks whether its certificates are there, until it connects; encodings found by a compiled module."""

REQUIREMENTS = ["requests==2.32.4", "certifi==2025.7.14", "charset-normalizer==3.4.2", "idna==3.10", "urllib3==2.5.0"]
EVENTS = [{"url": "http://127.0.0.1:9/"}, {"url": "https://127.0.0.1:9/"}, {"url": "https://xn--bcher-kva.invalid/"}]

import ssl

import certifi
import charset_normalizer
import idna
import requests


def handler(event, context):
    try:
        requests.get(event["url"], timeout=2, proxies={"http": "", "https": ""})
        answer = "answered"
    except requests.RequestException as error:
        answer = type(error).__name__
    if event["url"].startswith("https"):
        ssl.create_default_context(cafile=certifi.where())
    best = charset_normalizer.from_bytes("Zürich für größere Gäste".encode("latin-1")).best()
    return [answer, best is not None, idna.encode("bücher.ch").decode()]
