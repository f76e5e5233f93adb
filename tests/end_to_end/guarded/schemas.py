"""XML rules and style sheets that libxml2 opens by itself, JSON schemas and certificates as resources."""

REQUIREMENTS = ["lxml==6.0.0", "certifi==2025.7.14", "jsonschema==4.25.0", "jsonschema-specifications==2025.4.1", "html5lib==1.1",
                "cssselect==1.3.0", "defusedxml==0.7.1", "fastjsonschema==2.21.1"]  # fmt: skip
EVENTS = [
    {"do": "parse"},
    {"do": "schematron"},
    {"do": "css"},
    {"do": "clean"},
    {"do": "draft", "draft": "http://json-schema.org/draft-04/schema#"},
    {"do": "draft", "draft": "https://json-schema.org/draft/2019-09/schema"},
    {"do": "certificates"},
    {"do": "objectify"},
]

from lxml import etree

RULES = """<schema xmlns="http://purl.oclc.org/dsdl/schematron"><pattern><rule context="a">
<assert test="b">b is missing</assert></rule></pattern></schema>"""


def handler(event, context):
    tree = etree.fromstring("<a><c class='x'>text</c></a>")
    match event["do"]:
        case "parse":
            return etree.tostring(tree).decode()
        case "schematron":
            from lxml import isoschematron

            return isoschematron.Schematron(etree.fromstring(RULES)).validate(tree)
        case "css":
            return [each.text for each in tree.cssselect(".x")]
        case "clean":
            import html5lib

            return html5lib.serialize(html5lib.parse("<p>x<b>y", treebuilder="lxml"), tree="lxml")
        case "draft":
            import jsonschema

            kind = jsonschema.validators.validator_for({"$schema": event["draft"]})
            return [kind.__name__, [error.message for error in kind({"type": "string"}).iter_errors(1)]]
        case "certificates":
            import ssl

            import certifi

            return len(ssl.create_default_context(cafile=certifi.where()).get_ca_certs())
        case _:
            from lxml import html, objectify

            return [str(objectify.fromstring("<a><b>1</b></a>").b + 1), html.fromstring("<p>x").text]
