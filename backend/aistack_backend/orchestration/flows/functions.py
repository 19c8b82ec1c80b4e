"""What an expression may call."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how many values it takes, what it does."""

    takes: int
    run: Callable[..., Any]
    about: str


def text_of(found: Any) -> str:
    """Return a value as it stands in a text: a list one entry a line, a mapping as JSON."""
    if isinstance(found, str):
        return found
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, list):
        return "\n".join(text_of(one) for one in found)
    return json.dumps(found, ensure_ascii=False)


def words_of(found: Any) -> str:
    """Return a value as words on one line: a list with blanks between its entries."""
    return " ".join(map(text_of, found)) if isinstance(found, list) else text_of(found)


def _first(text: Any, count: int) -> str:
    return "\n".join(text_of(text).splitlines()[: max(0, count)])


def _last(text: Any, count: int) -> str:
    return "\n".join(text_of(text).splitlines()[-count:] if count > 0 else [])


FUNCTIONS: Mapping[str, Function] = {
    "contains": Function(2, lambda text, part: text_of(part) in text_of(text), "whether the text holds the other"),
    "count": Function(1, len, "how many entries a list has, or characters a text"),
    "either": Function(2, lambda one, other: one or other, "the first value, or the second when that is empty"),
    "first": Function(2, _first, "the first lines of a text"),
    "last": Function(2, _last, "the last lines of a text"),
    "quote": Function(1, lambda found: shlex.quote(text_of(found)), "the text as one word of a shell command"),
    "trim": Function(1, lambda text: text_of(text).strip(), "the text without blanks at its ends"),
}
