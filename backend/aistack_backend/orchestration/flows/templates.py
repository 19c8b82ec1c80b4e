"""Texts with ``${expression}`` in them. ``$${`` stands for a plain ``${``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aistack_backend.orchestration.flows import expressions
from aistack_backend.orchestration.flows.expressions import ExpressionFault, Node
from aistack_backend.orchestration.flows.functions import text_of

OPEN = re.compile(r"\$?\$\{")
BODY = re.compile(r"(?:[^'}]|'(?:[^'\\]|\\.)*')*")


@dataclass(frozen=True, slots=True)
class Template:
    """Plain texts and expressions in turn. One expression alone keeps the kind of its value."""

    parts: tuple[str | Node, ...]

    def names(self) -> Iterator[tuple[str, ...]]:
        """Yield every name that is looked up."""
        for part in self.parts:
            if not isinstance(part, str):
                yield from expressions.names(part)

    @property
    def fixed(self) -> str | None:
        """The text when there is no expression in it."""
        return "".join(map(str, self.parts)) if all(isinstance(part, str) for part in self.parts) else None

    def value(self, known: Mapping[str, Any]) -> Any:
        """Return the text, or the one expression's value.

        Raises:
            ExpressionFault: see ``expressions.value``.
        """
        if len(self.parts) == 1 and not isinstance(self.parts[0], str):
            return expressions.value(self.parts[0], known)
        return "".join(
            part if isinstance(part, str) else text_of(expressions.value(part, known)) for part in self.parts
        )


def parse(text: str) -> Template:
    """Return the text with its expressions read.

    Raises:
        ExpressionFault: one of them is none, or does not end.
    """
    parts: list[str | Node] = []
    plain, at = "", 0
    while (found := OPEN.search(text, at)) is not None:
        plain += text[at : found.start()]
        if found[0] == "$${":
            plain, at = f"{plain}${{", found.end()
            continue
        body = BODY.match(text, found.end())
        if body is None or text[body.end() : body.end() + 1] != "}":
            raise ExpressionFault(f"has a ${{ that does not end: {text[found.start() : found.start() + 30]!r}.")
        parts += [plain] if plain else []
        parts.append(expressions.parse(body[0]))
        plain, at = "", body.end() + 1
    plain += text[at:]
    return Template((*parts, plain) if plain or not parts else tuple(parts))
