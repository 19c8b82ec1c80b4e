"""Whether a JSON value is what a schema asks for, and the shortest value that is."""

from __future__ import annotations

import json
from typing import Any

from aistack_backend.errors import BadInput
from aistack_backend.inference.schema import AnyObject, AnyOf, Anything, Items, Literal, Members, Node, Number, Text


def conform(node: Node, value: Any, at: str = "the answer") -> None:
    """Return when ``value`` is what ``node`` asks for.

    Raises:
        BadInput: it is not; says where.
    """
    if isinstance(node, AnyOf):
        _any(node, value, at)
    elif isinstance(node, Literal):
        if not any(_same(value, one) for one in node.values):
            raise BadInput(f"The model gave a value that is not allowed for {at}.")
    elif isinstance(node, Text):
        _want(isinstance(value, str), "a string", at)
        _count(len(value), node.shortest, node.longest, "characters", at)
    elif isinstance(node, Number):
        _number(node, value, at)
    elif isinstance(node, Items):
        _want(isinstance(value, list), "a list", at)
        _count(len(value), node.fewest, node.most, "items", at)
        for number, one in enumerate(value):
            conform(node.item, one, f"{at}[{number}]")
    elif isinstance(node, Members):
        _members(node, value, at)
    elif isinstance(node, AnyObject):
        _want(isinstance(value, dict), "an object", at)


def example(node: Node) -> Any:
    """Return the first and shortest value that ``node`` takes: what the in-memory engine answers."""
    if isinstance(node, Literal):
        return node.values[0]
    if isinstance(node, Text):
        return "x" * node.shortest
    if isinstance(node, Number):
        least = node.least if node.least is not None else min(0, node.most if node.most is not None else 0)
        return int(-(-least // 1)) if node.whole else least
    if isinstance(node, Items):
        return [example(node.item) for _ in range(node.fewest)]
    if isinstance(node, Members):
        return {one.name: example(one.node) for one in node.members if one.required}
    if isinstance(node, AnyOf):
        return example(node.nodes[0])
    return None if isinstance(node, Anything) else {}


def _any(node: AnyOf, value: Any, at: str) -> None:
    first: BadInput | None = None
    for one in node.nodes:
        try:
            conform(one, value, at)
        except BadInput as error:
            first = first or error
        else:
            return
    raise BadInput(f"None of the forms for {at} fits: {first.detail if first else 'there is none'}")


def _number(node: Number, value: Any, at: str) -> None:
    kinds = (int,) if node.whole else (int, float)
    _want(isinstance(value, kinds) and not isinstance(value, bool), "a whole number" if node.whole else "a number", at)
    _want(abs(value) < float("inf"), "a finite number", at)
    if (node.least is not None and value < node.least) or (node.most is not None and value > node.most):
        raise BadInput(f"The model gave {value} for {at}, outside its bounds.")


def _members(node: Members, value: Any, at: str) -> None:
    _want(isinstance(value, dict), "an object", at)
    known = {one.name for one in node.members}
    missing = [one.name for one in node.members if one.required and one.name not in value]
    if missing or set(value) - known:
        raise BadInput(f"The model's object {at} must have exactly the keys {', '.join(sorted(known))}.")
    for one in node.members:
        if one.name in value:
            conform(one.node, value[one.name], f"{at}.{one.name}")


def _want(good: bool, what: str, at: str) -> None:
    if not good:
        raise BadInput(f"The model did not give {what} for {at}.")


def _count(found: int, fewest: int, most: int | None, what: str, at: str) -> None:
    if found < fewest or (most is not None and found > most):
        raise BadInput(f"The model gave {found} {what} for {at}; {fewest} to {'any' if most is None else most} fit.")


def _same(one: object, other: object) -> bool:
    """Equal as JSON: true is not 1."""
    return json.dumps(one) == json.dumps(other)
