"""The schema's subset: what is outside is refused with its place, and answers are checked."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from tests.backend.inference.schemas import deep, laughs, schema, schemas

from aistack_backend.errors import BadInput
from aistack_backend.inference.conform import conform, example
from aistack_backend.inference.grammar import check, compile_schema
from aistack_backend.inference.schema import read_schema

OUTSIDE = {
    "nothing": ("", "not JSON"),
    "a list": ("[]", "must be a JSON object"),
    "no rule": ("{}", "must be a JSON object"),
    "an unknown type": ('{"type":"any"}', "schema.type"),
    "types that are none": ('{"type":["string",{}]}', "schema.type"),
    "a regular expression": (schema(a={"type": "string", "pattern": "(?=x)"}), "schema.a has pattern"),
    "a format": (schema(a={"type": "string", "format": "date"}), "schema.a has format"),
    "a far reference": (schema(a={"$ref": "http://example.org/s"}), r"schema.a.\$ref must point into"),
    "an undefined reference": (schema(a={"$ref": "#/$defs/x"}), "is not defined"),
    "itself": ('{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}', "goes in a circle"),
    "itself by a choice": ('{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}', "circle"),
    "a billion laughs": (laughs(30), "too deep or too big"),
    "a well": (deep(5_000), "not JSON|too deep"),
    "other properties": ('{"type":"object","properties":{"a":{"const":1}},"additionalProperties":true}', "false"),
    "pattern properties": ('{"type":"object","patternProperties":{}}', "schema has patternProperties"),
    "a missing property": ('{"type":"object","properties":{"a":{"const":1}},"required":["b"]}', "schema.required"),
    "required by nobody": ('{"type":"object","required":["b"]}', "schema.required"),
    "a very long string": (schema(a={"type": "string", "maxLength": 10_000}), "schema.a.maxLength is 10000"),
    "a negative length": (schema(a={"type": "string", "maxLength": -1}), "schema.a.maxLength"),
    "true for a length": (schema(a={"type": "string", "maxLength": True}), "schema.a.maxLength"),
    "lengths the wrong way": (schema(a={"type": "string", "minLength": 3, "maxLength": 2}), "above its maxLength"),
    "bounds the wrong way": (schema(a={"type": "integer", "minimum": 3, "maximum": 2}), "above its maximum"),
    "no whole number": (schema(a={"type": "integer", "minimum": 0.2, "maximum": 0.4}), "no whole number"),
    "an endless bound": ('{"type":"number","maximum":1e999}', "between -1e15 and 1e15"),
    "no choice": (schema(a={"enum": []}), "schema.a.enum needs 1 to 500"),
    "too many choices": (schema(a={"enum": ["x"] * 501}), "schema.a.enum needs 1 to 500"),
    "a choice of objects": (schema(a={"enum": [{}]}), "schema.a.enum must hold"),
    "half a surrogate": (schema(a={"const": "\ud800"}), "surrogate"),
    "no forms": (schema(a={"anyOf": []}), "schema.a.anyOf needs"),
    "all of": (schema(a={"allOf": [{"type": "string"}]}), "schema.a.type"),
    "not": (schema(a={"not": {}, "type": "string"}), "schema.a has not"),
    "no object": (schema(a="x"), 'schema.a must be an object, not "x"'),
    "51 properties": (schema(**{f"p{n}": {"const": "x"} for n in range(51)}), "at most 50 properties"),
    "a library": (schema(a={"enum": ["x" * 9_000] * 5}), "over 40000 characters"),
    "a big file": ('{"type":"string","title":"' + "x" * 200_000 + '"}', "at most 200000"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_the_subset_is_refused_with_its_place(name: str) -> None:
    given_schema, sentence = OUTSIDE[name]
    with pytest.raises(BadInput, match=sentence):
        compile_schema(given_schema)


def test_text_of_the_schema_cannot_break_out_of_the_grammar() -> None:
    hostile = 'x" | root ::= "y\\'
    plain = compile_schema(schema(a={"enum": ["x y"]}, key={"const": "line"}))
    made = compile_schema(schema(a={"enum": [hostile]}, **{'k"ey': {"const": "line\nbreak"}}))
    assert len(made.splitlines()) == len(plain.splitlines())
    assert made.count("::=") == plain.count("::=") + 1  # the one inside a quoted literal


ANSWERS = schema(
    a={"enum": ["x", 1, None]},
    b={"type": "string", "maxLength": 3},
    c={"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, "minItems": 1, "maxItems": 2},
    d={"anyOf": [{"type": "null"}, {"type": "object", "properties": {"e": {"type": "boolean"}}, "required": []}]},
)


def test_good_answers_are_read() -> None:
    found = check(ANSWERS, '{"a":1,"b":"äöü","c":[0,9],"d":{"e":true}}')
    assert found == {"a": 1, "b": "äöü", "c": [0, 9], "d": {"e": True}}
    assert check(ANSWERS, '{"a":null,"b":"","c":[3],"d":{}}')["d"] == {}


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("NaN", "not JSON"),
        ("[]", "an object for the answer"),
        ('{"a":"x"}', "exactly the keys"),
        ('{"a":true,"b":"","c":[1],"d":null}', "not allowed for the answer.a"),
        ('{"a":"x","b":"abcd","c":[1],"d":null}', "4 characters for the answer.b"),
        ('{"a":"x","b":1,"c":[1],"d":null}', "a string for the answer.b"),
        ('{"a":"x","b":"","c":[],"d":null}', "0 items for the answer.c"),
        ('{"a":"x","b":"","c":[1,10],"d":null}', r"10 for the answer.c\[1\]"),
        ('{"a":"x","b":"","c":[true],"d":null}', "a whole number"),
        ('{"a":"x","b":"","c":[1],"d":{"f":1}}', "None of the forms for the answer.d"),
        ('{"a":"x","b":"","c":[1],"d":null,"z":1}', "exactly the keys"),
    ],
)
def test_bad_answers_are_refused_with_their_place(bad: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        check(ANSWERS, bad)


def test_a_number_must_be_finite() -> None:
    with pytest.raises(BadInput, match="finite"):
        check('{"type":"number"}', "1e999")


@given(schemas())
@settings(max_examples=200, deadline=None)
def test_the_example_of_any_schema_conforms(made: dict[str, object]) -> None:
    node = read_schema(json.dumps(made))
    conform(node, example(node))
    compile_schema(json.dumps(made))
