"""The expressions of workflow files, ``steps.look.state == 'bad' and inputs.restart``: read once, no code is run.

They know texts, numbers, true and false, names with dots, comparisons, ``and or not in`` and the functions of
``FUNCTIONS``; nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aistack_backend.errors import BadInput
from aistack_backend.orchestration.flows.functions import FUNCTIONS

LONGEST = 1_000
"""Characters of one expression."""
DEEPEST = 20
"""Parentheses, calls and nots within one another."""
ROOTS = ("inputs", "steps")
"""What a name begins with."""
TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)|'(?P<text>(?:[^'\\]|\\.)*)'|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"|(?P<sign>==|!=|<=|>=|<|>|\(|\)|,))"
)
COMPARE = ("==", "!=", "<=", ">=", "<", ">", "in")
WORDS = {"true": True, "false": False}


class ExpressionFault(BadInput):
    """An expression that cannot be read, or has no value; the sentence says where and why."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that stands in the expression itself."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    """A value that is looked up: ``("steps", "look", "state")``."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or a function on its operands."""

    name: str
    operands: tuple[Node, ...]


Node = Fixed | Name | Apply


def parse(text: str) -> Node:
    """Return the expression.

    Raises:
        ExpressionFault: it is none; the sentence begins with what was found.
    """
    if len(text) > LONGEST:
        raise ExpressionFault(f"is an expression of {len(text)} characters; {LONGEST} are allowed.")
    return _Reader(text).whole()


def names(node: Node) -> Iterator[tuple[str, ...]]:
    """Yield every name that an expression looks up."""
    if isinstance(node, Name):
        yield node.path
    elif isinstance(node, Apply):
        for operand in node.operands:
            yield from names(operand)


def value(node: Node, known: Mapping[str, Any]) -> Any:
    """Return what the expression means with these ``inputs`` and ``steps``.

    Raises:
        ExpressionFault: a name has no value, or an operand is of a kind that the operator does not take.
    """
    if isinstance(node, Fixed):
        return node.value
    if isinstance(node, Name):
        return _look_up(node.path, known)
    if node.name in ("and", "or"):
        left, right = node.operands
        first = bool(value(left, known))
        return bool(value(right, known)) if first is (node.name == "and") else first
    operands = [value(one, known) for one in node.operands]
    try:
        return _apply(node.name, operands)
    except (TypeError, ValueError) as error:
        raise ExpressionFault(f"{node.name} cannot be used with {', '.join(map(_kind, operands))}.") from error


def _apply(name: str, operands: list[Any]) -> Any:
    if name == "not":
        return not operands[0]
    if name not in COMPARE:
        return FUNCTIONS[name].run(*operands)
    left, right = operands
    if name in ("==", "!="):
        return (left == right) is (name == "==")
    if name == "in":
        return left in right
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[name]


def _look_up(path: tuple[str, ...], known: Mapping[str, Any]) -> Any:
    found: Any = known
    for depth, word in enumerate(path):
        if isinstance(found, Mapping) and word in found:
            found = found[word]
        elif depth > 1 and isinstance(found, Mapping) and found.get("state", "done") != "done":
            return ""  # a step that did not do its work has no results
        else:
            there = ", ".join(sorted(found)) if isinstance(found, Mapping) else _kind(found)
            raise ExpressionFault(f"{'.'.join(path)} has no value: {'.'.join(path[:depth]) or 'it'} is {there}.")
    return found


def _kind(found: Any) -> str:
    kinds = {bool: "true or false", str: "a text", list: "a list", dict: "a mapping"}
    return kinds.get(type(found), "a number")


class _Reader:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._token: tuple[str, str] = ("", "")
        self._next()

    def whole(self) -> Node:
        """Return the expression; a fault when something stands after its end."""
        node = self._either()
        if self._token[0] != "end":
            raise self._fault()
        return node

    def _next(self) -> tuple[str, str]:
        taken = self._token
        if not self._text[self._at :].strip():
            self._token = ("end", "")
            return taken
        match = TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            self._token = ("bad", self._text[self._at :].strip()[:20])
            raise self._fault()
        self._at = match.end()
        self._token = (match.lastgroup, match[match.lastgroup])
        return taken

    def _is(self, *words: str) -> bool:
        return self._token[0] in ("name", "sign") and self._token[1] in words

    def _either(self) -> Node:
        node = self._both()
        while self._is("or"):
            self._next()
            node = Apply("or", (node, self._both()))
        return node

    def _both(self) -> Node:
        node = self._negated()
        while self._is("and"):
            self._next()
            node = Apply("and", (node, self._negated()))
        return node

    def _negated(self) -> Node:
        if not self._is("not"):
            return self._compared()
        self._deeper()
        self._next()
        node = Apply("not", (self._negated(),))
        self._depth -= 1
        return node

    def _compared(self) -> Node:
        node = self._term()
        if self._is(*COMPARE):
            return Apply(self._next()[1], (node, self._term()))
        return node

    def _term(self) -> Node:
        kind, word = self._token
        if kind == "text":
            self._next()
            return Fixed(re.sub(r"\\(.)", r"\1", word))
        if kind == "number":
            self._next()
            return Fixed(float(word) if "." in word else int(word))
        if kind == "name" and word not in ("and", "or", "not", "in"):
            self._next()
            return self._named(word)
        if self._is("("):
            self._deeper()
            self._next()
            node = self._either()
            self._close()
            return node
        raise self._fault()

    def _named(self, word: str) -> Node:
        if word in WORDS:
            return Fixed(WORDS[word])
        if self._is("("):
            return self._call(word)
        path = tuple(word.split("."))
        if path[0] not in ROOTS or len(path) < 2:
            raise ExpressionFault(f"names {word!r}; a name is inputs.NAME, steps.ID or steps.ID.FIELD.")
        return Name(path)

    def _call(self, word: str) -> Node:
        if word not in FUNCTIONS:
            raise ExpressionFault(f"calls {word!r}; the functions are {', '.join(FUNCTIONS)}.")
        self._deeper()
        self._next()
        operands = [self._either()]
        while self._is(","):
            self._next()
            operands.append(self._either())
        self._close()
        if len(operands) != FUNCTIONS[word].takes:
            raise ExpressionFault(f"gives {word} {len(operands)} values; it takes {FUNCTIONS[word].takes}.")
        return Apply(word, tuple(operands))

    def _close(self) -> None:
        if not self._is(")"):
            raise self._fault()
        self._next()
        self._depth -= 1

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionFault("is nested too deeply.")

    def _fault(self) -> ExpressionFault:
        found = "it ends there" if self._token[0] == "end" else f"there is {self._token[1]!r}"
        return ExpressionFault(f"is no expression: {self._text.strip()!r}, {found}.")
