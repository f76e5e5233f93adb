"""Schemas that lie as data in a package of their own, and a validator in Rust."""

REQUIREMENTS = ["jsonschema==4.25.0", "pydantic==2.11.7"]
EVENTS = [{"age": 3}, {"age": "three"}, {"age": 3, "mail": "nobody"}]

import jsonschema
import pydantic

SCHEMA = {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"age": {"type": "integer"}}}


class Person(pydantic.BaseModel):
    age: int
    mail: str = pydantic.Field(default="a@b", pattern=".@.")


def handler(event, context):
    found = [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(event)]
    draft = jsonschema.validators.validator_for({"$schema": "http://json-schema.org/draft-07/schema#"}).__name__
    try:
        person = Person.model_validate(event).model_dump()
    except pydantic.ValidationError as error:
        person = error.error_count()
    return [found, draft, person]
