"""Schemas for tests: random ones inside the subset, and some that would kill an engine that took them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


def schema(**properties: object) -> str:
    """Return an object's schema with these properties, as text."""
    return json.dumps({"type": "object", "properties": properties})


def laughs(levels: int) -> str:
    """Return a schema whose references double at each level."""
    named: dict[str, Any] = {
        f"l{n}": {"anyOf": [{"$ref": f"#/$defs/l{n + 1}"}, {"$ref": f"#/$defs/l{n + 1}"}]} for n in range(levels)
    }
    return json.dumps({"$ref": "#/$defs/l0", "$defs": {**named, f"l{levels}": {"const": "ha"}}})


def deep(levels: int) -> str:
    """Return lists in lists."""
    return '{"type":"array","items":' * levels + '{"type":"null"}' + "}" * levels


def _span(low: str, high: str, most: int) -> st.SearchStrategy[dict[str, int]]:
    pair = st.tuples(st.integers(0, most), st.integers(0, most)).map(sorted)
    return st.one_of(
        st.just({}), pair.map(lambda two: {low: two[0], high: two[1]}), pair.map(lambda two: {low: two[0]})
    )


_text = st.text(st.characters(max_codepoint=0x1FFFF, exclude_categories=("Cs", "Cn", "Co")), max_size=8)
_scalar = st.one_of(_text, st.integers(-(10**6), 10**6), st.booleans(), st.none(), st.floats(-1e6, 1e6))
_leaf = st.one_of(
    _span("minLength", "maxLength", 12).map(lambda span: {"type": "string", **span}),
    st.tuples(st.integers(-50, 50), st.integers(0, 500)).map(
        lambda two: {"type": "integer", "minimum": two[0], "maximum": two[0] + two[1]}
    ),
    st.sampled_from(["integer", "number", "boolean", "null", "object"]).map(lambda kind: {"type": kind}),
    st.just({"type": ["string", "null"]}),
    st.lists(_scalar, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    _scalar.map(lambda value: {"const": value}),
)


def _object(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def of(properties: dict[str, Any], needed: set[int], strict: bool) -> dict[str, Any]:
        required = [name for number, name in enumerate(properties) if number in needed]
        made = {"type": "object", "properties": properties, "required": required}
        return {**made, "additionalProperties": False} if strict else made

    properties = st.dictionaries(_text, inner, max_size=4)
    return st.builds(of, properties, st.sets(st.integers(0, 3)), st.booleans())


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Return random schemas inside the subset."""
    return st.recursive(
        _leaf,
        lambda inner: st.one_of(
            _object(inner),
            st.lists(inner, min_size=1, max_size=3).map(lambda forms: {"anyOf": forms}),
            st.builds(
                lambda item, span: {"type": "array", "items": item, **span}, inner, _span("minItems", "maxItems", 4)
            ),
        ),
        max_leaves=8,
    )
