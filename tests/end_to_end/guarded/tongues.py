"""Natural language: a class a language, found by a registry; tables of words that only some need."""

REQUIREMENTS = ["spacy==3.8.7", "numpy==2.3.2", "sqlglot==27.4.1", "babel==2.17.0"]
EVENTS = [{"lang": "en"}, {"lang": "de"}, {"lang": "tr"}, {"lang": "hi"}, {"lang": "fr", "sql": "snowflake"}]

import spacy


def handler(event, context):
    language = spacy.blank(event["lang"])
    words = [word.text for word in language("Das ist's, a test. Fin.")]
    if "sql" in event:
        import sqlglot

        return words, sqlglot.transpile("SELECT TOP 3 x FROM t", read="tsql", write=event["sql"])
    import babel.numbers

    return words, len(language.Defaults.stop_words), babel.numbers.format_decimal(12345.6, locale=event["lang"])
