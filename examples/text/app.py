"""Text into tokens and named things: a blank spaCy pipeline with rules."""

import spacy

NLP = spacy.blank("en")
NLP.add_pipe("sentencizer")
NLP.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Texas"}, {"label": "ORG", "pattern": "Lambda"}])


def tokens(event):
    return [[token.text for token in sentence] for sentence in NLP(event["text"]).sents]


def entities(event):
    return [[entity.text, entity.label_] for entity in NLP(event["text"]).ents]


def similar(event):
    from spacy.matcher import PhraseMatcher

    matcher = PhraseMatcher(NLP.vocab, attr="LOWER")
    matcher.add("found", [NLP.make_doc(event["phrase"])])
    return [[start, end] for _, start, end in matcher(NLP(event["text"]))]


def handler(event, context):
    return {"tokens": tokens, "entities": entities, "similar": similar}[event["do"]](event)
