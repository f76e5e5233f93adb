"""Lexers, formatters and styles by name, of several hundred modules."""

REQUIREMENTS = ["pygments==2.19.2"]
EVENTS = [
    {"language": "python", "format": "html", "style": "default"},
    {"language": "rust", "format": "latex", "style": "monokai"},
    {"language": "kotlin", "format": "svg", "style": "vim"},
    {"language": "sql", "format": "terminal256", "style": "paraiso-dark"},
    {"file": "a.hs", "format": "rtf", "style": "friendly"},
    {"text": "#!/bin/sh\necho\n", "format": "irc", "style": "bw"},
    {"count": True},
]

import pygments
from pygments import formatters, lexers, styles


def handler(event, context):
    if event.get("count"):
        return [len(list(lexers.get_all_lexers())), len(list(styles.get_all_styles()))]
    if "language" in event:
        lexer = lexers.get_lexer_by_name(event["language"])
    elif "file" in event:
        lexer = lexers.get_lexer_for_filename(event["file"])
    else:
        lexer = lexers.guess_lexer(event["text"])
    formatter = formatters.get_formatter_by_name(event["format"], style=event["style"])
    return [lexer.name, pygments.highlight("fn main() { x = 1 }", lexer, formatter)]
