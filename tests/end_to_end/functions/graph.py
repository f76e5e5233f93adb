"""A graph of facts: parsers, writers and stores are plugins, found by entry points and imported when they are named."""

REQUIREMENTS = ["rdflib==7.1.4", "xmlschema==4.1.0"]
EVENTS = [{"to": "turtle"}, {"to": "xml"}, {"to": "json-ld"}, {"to": "nt"}]

import rdflib
import xmlschema

FACTS = "@prefix : <http://x/> . :a :knows :b . :b :name 'B' ."
SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:int"/></xs:schema>'


def handler(event, context):
    graph = rdflib.Graph().parse(data=FACTS, format="turtle")
    again = rdflib.Graph().parse(data=graph.serialize(format=event["to"]), format=event["to"])
    rows = again.query("SELECT ?name WHERE { ?who <http://x/name> ?name }")
    return [len(again), [str(row.name) for row in rows], xmlschema.XMLSchema(SCHEMA).is_valid("<n>1</n>")]
