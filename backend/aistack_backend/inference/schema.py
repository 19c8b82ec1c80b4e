"""The subset of JSON Schema that a model's answer can be held to, read into nodes that check an answer.

Taken: ``object`` (declared properties, each required or not), ``array``, ``string``, ``integer``, ``number``,
``boolean``, ``null``, a list of these types, ``enum``, ``const``, ``anyOf``, and ``$ref`` into ``$defs`` without a
circle. An object that declares no properties is any JSON object; without ``required`` all that is declared is written.
Everything else is refused with its place, because an engine that cannot keep a rule must not seem to: llama.cpp's own
converter falls back to any JSON in silence (``facts/inference.md`` §4).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aistack_backend.errors import BadInput

MAX_LENGTH = 8_000
"""Largest ``maxLength`` and ``maxItems``."""
MAX_CHOICES = 500
MAX_PROPERTIES = 50
MAX_DEPTH = 12
MAX_NODES = 500
MAX_BYTES = 200_000
"""Of the schema's text."""
MAX_LITERALS = 40_000
"""Characters of all names and allowed values together: they become part of the grammar."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Literal:
    """One of these values."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A string of so many characters."""

    shortest: int = 0
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or only a whole one, within bounds."""

    whole: bool = False
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """An array of so many items."""

    item: Node
    fewest: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A property of an object."""

    name: str
    node: Node
    required: bool


@dataclass(frozen=True, slots=True)
class Members:
    """An object with these properties and no others: the required ones first, each group in the schema's order."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """What one of these takes."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyObject:
    """Any JSON object."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value."""


Node = Literal | Text | Number | Items | Members | AnyOf | AnyObject | Anything

BOOLEAN, NULL = Literal((True, False)), Literal((None,))
_NOTES = {"title", "description", "default", "examples", "$schema", "$id", "$defs", "definitions", "$comment"}
_KEYS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "boolean": set[str](),
    "null": set[str](),
}


def read_schema(schema: str) -> Node:
    """Return the root node of a schema.

    Raises:
        BadInput: it is not JSON, outside the subset, or too big; says where and what would be right.
    """
    if len(schema) > MAX_BYTES:
        raise BadInput(f"The schema has {len(schema)} characters; at most {MAX_BYTES} are taken.")
    try:
        top = json.loads(schema)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The schema is not JSON: {error}.") from error
    if not isinstance(top, dict) or not top:
        raise BadInput("The schema must be a JSON object with a type, an enum, a const, anyOf or $ref.")
    return _Reader(top).node(top, "schema", 0)


class _Reader:
    def __init__(self, top: dict[str, Any]) -> None:
        self._top = top
        self._nodes = self._literals = 0
        self._open: list[str] = []

    def node(self, rule: Any, at: str, depth: int) -> Node:
        """Return a rule as a node; BadInput, with its place, for what is outside the subset."""
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise BadInput(f"{at} is too deep or too big: {MAX_DEPTH} levels and {MAX_NODES} nodes are taken.")
        if not isinstance(rule, dict):
            raise BadInput(f"{at} must be an object, not {json.dumps(rule)[:40]}.")
        if "$ref" in rule:
            return self._referred(rule, at, depth)
        if "anyOf" in rule:
            self._only(rule, {"anyOf"}, at)
            parts = self._list(rule["anyOf"], f"{at}.anyOf")
            return AnyOf(tuple(self.node(one, f"{at}.anyOf[{n}]", depth + 1) for n, one in enumerate(parts)))
        if "const" in rule:
            self._only(rule, {"const", "type"}, at)
            return self._literal([rule["const"]], f"{at}.const")
        if "enum" in rule:
            self._only(rule, {"enum", "type"}, at)
            return self._literal(self._list(rule["enum"], f"{at}.enum"), f"{at}.enum")
        return self._typed(rule, at, depth)

    def _typed(self, rule: dict[str, Any], at: str, depth: int) -> Node:
        kind = rule.get("type")
        if isinstance(kind, list) and kind:
            shared = {key: value for key, value in rule.items() if key != "type"}
            allowed = set[str]().union(*(_KEYS.get(one, set()) for one in kind if isinstance(one, str)))
            self._only(shared, allowed, at)
            each = ({**_own(shared, one), "type": one} for one in kind)
            return AnyOf(tuple(self.node(one, at, depth + 1) for one in each))
        if not isinstance(kind, str) or kind not in _KEYS:
            raise BadInput(f"{at}.type must be one of {', '.join(_KEYS)}, or {at} an enum, a const, anyOf or $ref.")
        self._only(rule, _KEYS[kind] | {"type"}, at)
        if kind == "object":
            return self._object(rule, at, depth)
        if kind == "array":
            fewest, most = self._span(rule, "minItems", "maxItems", at)
            item = self.node(rule["items"], f"{at}.items", depth + 1) if "items" in rule else Anything()
            return Items(item, fewest, most)
        if kind == "string":
            return Text(*self._span(rule, "minLength", "maxLength", at))
        if kind in {"integer", "number"}:
            return self._number(rule, kind == "integer", at)
        return BOOLEAN if kind == "boolean" else NULL

    def _object(self, rule: dict[str, Any], at: str, depth: int) -> Node:
        properties = rule.get("properties", {})
        if not isinstance(properties, dict) or len(properties) > MAX_PROPERTIES:
            raise BadInput(f"{at}.properties must be an object of at most {MAX_PROPERTIES} properties.")
        required = rule.get("required", [] if properties else ())
        if not isinstance(required, list | tuple) or not all(one in properties for one in required):
            raise BadInput(f"{at}.required must be a list of names that stand in its properties.")
        if not properties and rule.get("additionalProperties", True) is True:
            return AnyObject()
        if rule.get("additionalProperties", False) is not False:
            raise BadInput(f"{at}.additionalProperties can only be false: an answer has the declared properties.")
        required = required if "required" in rule else list(properties)
        made = []
        for name, one in properties.items():
            self._count(name, at)
            made.append(Member(name, self.node(one, f"{at}.{name}", depth + 1), name in required))
        return Members(tuple(sorted(made, key=lambda member: not member.required)))

    def _number(self, rule: dict[str, Any], whole: bool, at: str) -> Number:
        least, most = rule.get("minimum"), rule.get("maximum")
        for name, bound in (("minimum", least), ("maximum", most)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float)):
                raise BadInput(f"{at}.{name} must be a number.")
            if bound is not None and abs(bound) > 1e15:
                raise BadInput(f"{at}.{name} must lie between -1e15 and 1e15.")
        if least is not None and most is not None and least > most:
            raise BadInput(f"{at}.minimum is above its maximum.")
        return Number(whole, least, most)

    def _referred(self, rule: dict[str, Any], at: str, depth: int) -> Node:
        self._only(rule, {"$ref"}, at)
        name = rule["$ref"]
        steps = name.split("/") if isinstance(name, str) else []
        if len(steps) != 3 or steps[0] != "#" or steps[1] not in {"$defs", "definitions"}:
            raise BadInput(f"{at}.$ref must point into this schema, as #/$defs/NAME.")
        if name in self._open:
            raise BadInput(f"{at}.$ref {name} goes in a circle; an answer must have an end.")
        defined = self._top.get(steps[1])
        if not isinstance(defined, dict) or steps[2] not in defined:
            raise BadInput(f"{at}.$ref {name} is not defined.")
        self._open.append(name)
        try:
            return self.node(defined[steps[2]], at, depth + 1)
        finally:
            self._open.pop()

    def _literal(self, values: list[Any], at: str) -> Literal:
        for value in values:
            if value is not None and not isinstance(value, str | int | float):
                raise BadInput(f"{at} must hold strings, numbers, true, false or null only.")
            if isinstance(value, float) and not abs(value) < float("inf"):
                raise BadInput(f"{at} holds {value}, which is no JSON number.")
            self._count(value if isinstance(value, str) else str(value), at)
        return Literal(tuple(values))

    def _list(self, found: Any, at: str) -> list[Any]:
        if not isinstance(found, list) or not 1 <= len(found) <= MAX_CHOICES:
            raise BadInput(f"{at} needs 1 to {MAX_CHOICES} values.")
        return found

    def _span(self, rule: dict[str, Any], low: str, high: str, at: str) -> tuple[int, int | None]:
        fewest, most = rule.get(low, 0), rule.get(high)
        for name, bound in ((low, fewest), (high, most)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int) or bound < 0):
                raise BadInput(f"{at}.{name} must be a whole number from 0 to {MAX_LENGTH}.")
            if bound is not None and bound > MAX_LENGTH:
                raise BadInput(f"{at}.{name} is {bound}; at most {MAX_LENGTH} is taken.")
        if most is not None and fewest > most:
            raise BadInput(f"{at}.{low} is above its {high}.")
        return fewest, most

    def _only(self, rule: dict[str, Any], allowed: set[str], at: str) -> None:
        if extra := sorted(set(rule) - allowed - _NOTES):
            raise BadInput(f"{at} has {extra[0]}, which answers cannot be held to.")

    def _count(self, text: str, at: str) -> None:
        self._literals += len(text)
        if self._literals > MAX_LITERALS:
            raise BadInput(f"{at}: the names and values of the schema have over {MAX_LITERALS} characters together.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadInput(f"{at} holds half a surrogate pair, which no answer can spell.") from error


def _own(rule: dict[str, Any], kind: object) -> dict[str, Any]:
    """Keep what belongs to one of several types."""
    return {key: value for key, value in rule.items() if key in _KEYS.get(str(kind), set()) | _NOTES}
