"""The schema compiler: a small subset, everything else refused, and the answer checked again."""

from __future__ import annotations

import json

import pytest

from aistack_backend.errors import BadInput
from aistack_backend.inference.grammar import check, compile_schema


def schema(**properties: object) -> str:
    return json.dumps({"type": "object", "properties": properties})


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[]",
        "{}",
        '{"type":"array","items":{}}',
        '{"type":"object","properties":{}}',
        '{"type":"object","properties":{"a":{"const":"x"}},"required":[]}',
        '{"type":"object","properties":{"a":{"const":"x"}},"patternProperties":{}}',
        schema(a={"type": "integer"}),
        schema(a={"type": "string"}),
        schema(a={"type": "string", "maxLength": 8_001}),
        schema(a={"type": "string", "maxLength": 0}),
        schema(a={"type": "string", "maxLength": True}),
        schema(a={"type": "string", "maxLength": 10, "pattern": "(?=x)"}),
        schema(a={"enum": []}),
        schema(a={"enum": [1]}),
        schema(a={"enum": ["x"] * 501}),
        schema(a={"const": 1}),
        schema(a={"$ref": "http://example.org"}),
        schema(a={"type": "object", "properties": {}}),
        schema(a="x"),
        schema(**{f"p{n}": {"const": "x"} for n in range(21)}),
    ],
)
def test_outside_the_subset_is_refused(bad: str) -> None:
    with pytest.raises(BadInput):
        compile_schema(bad)


def test_text_of_the_schema_cannot_break_out_of_the_grammar() -> None:
    hostile = 'x" | root ::= "y\\'
    made = compile_schema(schema(a={"enum": [hostile]}, **{'k"ey': {"const": "line\nbreak"}}))
    assert made.count("::=") == 4  # root, space, char, and the one inside a quoted literal
    assert len(made.splitlines()) == 3


def test_answers_are_checked() -> None:
    wanted = schema(a={"enum": ["x", "y"]}, b={"type": "string", "maxLength": 3}, c={"const": "k"})
    assert check(wanted, '{"a":"x","b":"abc","c":"k"}')["a"] == "x"
    for bad in (
        "",
        "[]",
        '{"a":"x"}',
        '{"a":"z","b":"","c":"k"}',
        '{"a":"x","b":"abcd","c":"k"}',
        '{"a":"x","b":"","c":"no"}',
        '{"a":"x","b":1,"c":"k"}',
        '{"a":"x","b":"","c":"k","d":"extra"}',
    ):
        with pytest.raises(BadInput):
            check(wanted, bad)
