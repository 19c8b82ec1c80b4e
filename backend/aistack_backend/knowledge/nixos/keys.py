"""A name taken apart into the words by which it is looked for."""

from __future__ import annotations

import re

_PART = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def keys(name: str, title: str = "") -> str:
    """Return the words of a name: ``services.nginx.virtualHosts`` is also found by ``virtual`` and ``hosts``."""
    words: dict[str, None] = {}
    for whole in _PART.findall(f"{name} {title}"):
        words[whole] = None
        if len(parts := _CAMEL.findall(whole)) > 1:
            words.update(dict.fromkeys(parts))
    return " ".join(words)


def words(question: str) -> list[str]:
    """Return the words of a question, in small letters, at most 16."""
    return list(dict.fromkeys(one.lower() for one in _PART.findall(question)))[:16]
