"""Markdown whose extensions are found by entry points, and lexers that are imported when a language is named."""

REQUIREMENTS = ["markdown==3.8.2", "pygments==2.19.2", "pymdown-extensions==10.16"]
EVENTS = [
    {
        "text": "# A\n\n```python\nx = 1\n```\n\n[^1]\n\n[^1]: note",
        "extensions": ["fenced_code", "codehilite", "footnotes"],
    },
    {"text": "~~gone~~ and | a | b |\n", "extensions": ["pymdownx.tilde", "tables", "toc"]},
    {"text": "```rust\nfn main() {}\n```", "extensions": ["pymdownx.superfences", "pymdownx.highlight"]},
]

import markdown
import pygments
import pygments.formatters
import pygments.lexers


def handler(event, context):
    lexer = pygments.lexers.get_lexer_by_name("json")
    code = pygments.highlight('{"a": 1}', lexer, pygments.formatters.get_formatter_by_name("html"))
    return markdown.markdown(event["text"], extensions=event["extensions"]) + code
