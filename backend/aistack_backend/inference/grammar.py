"""A checked schema compiled to a llama.cpp grammar (GBNF), by construction free of what kills the engine.

A bad grammar is a segmentation fault in llama.cpp (``facts/inference.md`` §4), so no grammar comes from outside: only
this compiler writes them, no rule begins with itself, and long repetitions are left to the check afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aistack_backend.errors import BadInput
from aistack_backend.inference.conform import conform
from aistack_backend.inference.schema import (
    AnyObject,
    AnyOf,
    Items,
    Literal,
    Members,
    Node,
    Number,
    Text,
    read_schema,
)

COUNTED = 200
"""Longest string, and array, whose length the grammar itself keeps: llama.cpp dies on very long repetitions."""
MAX_COUNTED = 4_000
"""Of all counted repetitions together; what is beyond is held to its length afterwards."""
SPELLED = 200
"""Most whole numbers between two bounds that are spelled out one by one; wider bounds are checked afterwards."""
SPACE = 'space ::= " "?\n'
CHAR = 'char ::= [^"\\\\\\x7F\\x00-\\x1F] | "\\\\" ["\\\\/bfnrt]\n'
DIGITS = 'digits ::= "0" | [1-9] [0-9]{0,14}\n'
ANY = (
    'number ::= "-"? digits ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?\n'
    'string ::= "\\"" char* "\\""\n'
    'pair ::= string ":" space value\n'
    'any-object ::= "{" space (pair ("," space pair)*)? "}"\n'
    'any-array ::= "[" space (value ("," space value)*)? "]"\n'
    'value ::= any-object | any-array | string | number | "true" | "false" | "null"\n'
)


def compile_schema(schema: str) -> str:
    """Return the GBNF of a schema in the subset of :mod:`~aistack_backend.inference.schema`.

    Raises:
        BadInput: the schema is outside the subset; says where.
    """
    return _Compiler().compile(read_schema(schema))


def check(schema: str, text: str) -> Any:
    """Return ``text`` read as JSON when it satisfies the schema.

    Raises:
        BadInput: it does not; says what is wrong and where.
    """
    node = read_schema(schema)
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The model's answer is not JSON: {error}.") from error
    conform(node, found)
    return found


class _Compiler:
    def __init__(self) -> None:
        self._rules: dict[str, str] = {}
        """Expression → name of its rule: what is alike is written once."""
        self._counted = 0

    def compile(self, node: Node) -> str:
        """Return the whole grammar in GBNF, of which ``root`` is the node."""
        root = self._expression(node)
        named = "".join(f"{name} ::= {expression}\n" for expression, name in self._rules.items())
        return f"root ::= {root}\n{named}{SPACE}{CHAR}{DIGITS}{ANY}"

    def _expression(self, node: Node) -> str:
        if isinstance(node, Literal):
            return "(" + " | ".join(_literal(_json(value)) for value in node.values) + ")"
        if isinstance(node, Text):
            return f'"\\"" {self._times("char", node.shortest, node.longest)} "\\""'
        if isinstance(node, Number):
            return _number(node)
        if isinstance(node, Items):
            return self._array(node)
        if isinstance(node, Members):
            return self._object(node)
        if isinstance(node, AnyOf):
            return "(" + " | ".join(self._named(one) for one in node.nodes) + ")"
        return "any-object" if isinstance(node, AnyObject) else "value"

    def _named(self, node: Node) -> str:
        expression = self._expression(node)
        if " " not in expression:
            return expression
        return self._rule(expression)

    def _rule(self, expression: str) -> str:
        return self._rules.setdefault(expression, f"r{len(self._rules)}")

    def _object(self, node: Members) -> str:
        pairs = [f'{_literal(_json(one.name))} ":" space {self._named(one.node)}' for one in node.members]
        needed = sum(one.required for one in node.members)
        parts = ' "," space '.join(pairs[:needed])
        if needed:
            return f'"{{" space {parts} {_optional(pairs[needed:])}"}}"'
        if not pairs:
            return '"{" space "}"'
        starts, tail = [pairs[-1]], ""
        for before, pair in zip(reversed(pairs[:-1]), reversed(pairs[1:]), strict=True):  # each may be the first
            tail = self._rule(f'("," space {pair})? {tail}'.rstrip())
            starts.append(f"{before} {tail}")
        return f'"{{" space ({" | ".join(starts)})? "}}"'

    def _array(self, node: Items) -> str:
        item = self._named(node.item)
        if node.most == 0:
            return '"[" space "]"'
        more = self._times(f'("," space {item})', max(node.fewest - 1, 0), None if node.most is None else node.most - 1)
        filled = f"{item} {more}"
        return f'"[" space {filled} "]"' if node.fewest else f'"[" space ({filled})? "]"'

    def _times(self, part: str, fewest: int, most: int | None) -> str:
        """Repeat ``part``, counted only as far as llama.cpp bears it."""
        if most == 0:
            return ""
        wanted = max(fewest, most or 0)
        if not wanted or wanted > COUNTED or self._counted + wanted > MAX_COUNTED:
            return f"{part}*"
        self._counted += wanted
        return f"{part}{{{fewest},{'' if most is None else most}}}"


def _optional(pairs: list[str]) -> str:
    return "".join(f'("," space {pair})? ' for pair in pairs)


def _number(node: Number) -> str:
    least, most = node.least, node.most
    if not node.whole:
        return "number"
    if least is not None and most is not None and most - least < SPELLED:
        return _spelled(range(_ceil(least), int(most // 1) + 1), node)
    return "digits" if least is not None and least >= 0 else '"-"? digits'


def _spelled(values: Iterable[int], node: Number) -> str:
    spelled = [_literal(str(value)) for value in values]
    if not spelled:
        raise BadInput(f"There is no whole number from {node.least} to {node.most}.")
    return f"({' | '.join(spelled)})"


def _ceil(value: float) -> int:
    return int(-(-value // 1))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")
