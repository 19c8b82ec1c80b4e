"""A small subset of JSON Schema, compiled to a llama.cpp grammar (GBNF) and checked on the way back.

The subset: an object whose properties are each a string ``enum``, a ``string`` with ``maxLength`` ≤ 8,000, or a string
``const``; all properties are required and written in the order of the schema. Everything else is refused, because
the engine's own converter falls back to any JSON in silence, and a bad grammar kills the process.
"""

from __future__ import annotations

import json
from typing import Any

from aistack_backend.errors import BadInput

COUNTED = 200
"""Longest string whose length the grammar itself keeps: llama.cpp dies on very long repetitions. A longer one is held
to its length afterwards."""
MAX_LENGTH = 8_000
"""Longest free string."""
MAX_CHOICES = 500
MAX_PROPERTIES = 20
_STRING_KEYS = {"type", "maxLength", "description", "title"}
_OBJECT_KEYS = {"type", "properties", "required", "additionalProperties", "description", "title"}


def compile_schema(schema: str) -> str:
    """Return the GBNF of a schema in the subset.

    Raises:
        BadInput: the schema is outside the subset; says where.
    """
    properties = _properties(schema)
    parts = []
    for number, (name, rule) in enumerate(properties.items()):
        comma = '"," ' if number else ""
        parts.append(f'{comma}{_literal(json.dumps(name))} ":" space {_value(name, rule)}')
    return (
        f'root ::= "{{" space {" ".join(parts)} "}}"\n'
        'space ::= " "?\n'
        'char ::= [^"\\\\\\x7F\\x00-\\x1F] | "\\\\" ["\\\\/bfnrt]\n'
    )


def check(schema: str, text: str) -> dict[str, str]:
    """Return ``text`` read as JSON when it satisfies the schema.

    Raises:
        BadInput: it does not; says what is wrong.
    """
    properties = _properties(schema)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadInput(f"The model's answer is not JSON: {error}.") from error
    if not isinstance(found, dict) or set(found) != set(properties):
        raise BadInput(f"The model's answer must have exactly the keys {', '.join(properties)}.")
    for name, rule in properties.items():
        value = found[name]
        allowed = rule.get("enum", [rule["const"]] if "const" in rule else None)
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            raise BadInput(f"The model's answer has a value that is not allowed for {name}.")
        if len(value) > rule.get("maxLength", len(value)):
            raise BadInput(f"The model's answer is too long for {name}.")
    return found


def _properties(schema: str) -> dict[str, dict[str, Any]]:
    try:
        top = json.loads(schema)
    except ValueError as error:
        raise BadInput(f"The schema is not JSON: {error}.") from error
    if not isinstance(top, dict) or top.get("type") != "object" or set(top) - _OBJECT_KEYS:
        raise BadInput("The schema must be a plain object: type, properties, required, additionalProperties only.")
    properties = top.get("properties")
    if not isinstance(properties, dict) or not 1 <= len(properties) <= MAX_PROPERTIES:
        raise BadInput(f"The schema's object needs 1 to {MAX_PROPERTIES} properties.")
    if set(top.get("required", properties)) != set(properties):
        raise BadInput("Every property of the schema must be required.")
    for name, rule in properties.items():
        if not isinstance(rule, dict):
            raise BadInput(f"The schema's property {name} must be an object.")
        _value(name, rule)
    return properties


def _value(name: str, rule: dict[str, Any]) -> str:
    if "const" in rule and isinstance(rule["const"], str) and set(rule) <= {"const", "type", "description"}:
        return _literal(json.dumps(rule["const"]))
    if "enum" in rule and set(rule) <= {"enum", "type", "description"}:
        return _choice(name, rule["enum"])
    if rule.get("type") == "string" and set(rule) <= _STRING_KEYS:
        length = rule.get("maxLength")
        if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= MAX_LENGTH:
            raise BadInput(f"The schema's string {name} needs a maxLength of 1 to {MAX_LENGTH}.")
        return f'"\\"" char{{0,{length}}} "\\""' if length <= COUNTED else '"\\"" char* "\\""'
    raise BadInput(f"The schema's property {name} must be a string enum, a string with maxLength, or a string const.")


def _choice(name: str, values: object) -> str:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_CHOICES:
        raise BadInput(f"The schema's enum {name} needs 1 to {MAX_CHOICES} values.")
    if not all(isinstance(value, str) for value in values):
        raise BadInput(f"The schema's enum {name} must hold strings only.")
    return "(" + " | ".join(_literal(json.dumps(value)) for value in values) + ")"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
