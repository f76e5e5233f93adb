"""The page as one HTML document: its policy, style and scripts, the packed tree, and the sections in their order."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from importlib import resources
from typing import Final

from deployer.report.page import sections
from deployer.report.page.headline import headline
from deployer.report.page.models import PageContent
from deployer.report.page.tree import packed_tree
from deployer.report.text import DONE
from deployer.report.why_report import repeating

_ASSETS: Final = resources.files("deployer.report.page") / "assets"


def page(content: PageContent) -> str:
    """Return the page: one HTML document that loads nothing from elsewhere."""
    title = escape(f"{content.report.function}: {DONE[content.report.state]}")
    scripts = [_asset("d3-hierarchy.min.js"), _asset("page.js")]
    tree = packed_tree(content.files) if content.files else ""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{title}</title><style>{_asset('page.css')}</style></head>",
        f'<body data-again="{escape(repeating(content.report.function, content.report.state))}">',
        *_body(content, title),
        f'<script type="text/plain" id="tree">{tree}</script>',
        f"<!-- d3-hierarchy, ISC licence:\n{escape(_asset('d3-hierarchy.LICENSE'))}-->",
        *(f"<script>{script}</script>" for script in scripts),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _body(content: PageContent, title: str) -> Iterable[str]:
    return (
        *sections.header(content, title),
        *headline(content.report),
        *sections.certainty(content),
        _asset("map.html"),
        *sections.pair(sections.steps(content.report), sections.suggestions(content)),
        *sections.found(content),
        *sections.pair(sections.reasons(content.report, kept=True), sections.reasons(content.report, kept=False)),
        *sections.layers(content.report),
        *sections.footer(content),
    )


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text("utf-8")


def _policy(scripts: Iterable[str]) -> str:
    """Only the page's own scripts run, and nothing is loaded: what a file's name holds can do neither."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}"
