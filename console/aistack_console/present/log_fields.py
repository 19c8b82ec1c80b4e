"""What one log line says: its level, and its fields when it is JSON or logfmt."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any


class Level(IntEnum):
    """How serious a line is, by its own word."""

    UNKNOWN = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4


_WORDS = {
    "TRACE": Level.DEBUG, "DEBUG": Level.DEBUG, "DBG": Level.DEBUG, "INFO": Level.INFO, "NOTICE": Level.INFO,
    "LOG": Level.INFO, "WARN": Level.WARN, "WARNING": Level.WARN, "ERROR": Level.ERROR, "ERR": Level.ERROR,
    "CRIT": Level.ERROR, "CRITICAL": Level.ERROR, "FATAL": Level.ERROR, "PANIC": Level.ERROR, "ALERT": Level.ERROR,
    "EMERG": Level.ERROR,
}  # fmt: skip
_ANY = "|".join(_WORDS)
# In capitals a level stands alone; in small letters it needs a form that only levels have.
_SAID = re.compile(
    rf"\b({_ANY})\b"
    rf"|(?:\b(?:level|lvl|severity)\"?\s*[=:]\s*\"?|\[)((?ai:{_ANY}))\b"
    rf"|^\W*((?ai:{_ANY})):"
)
# What every word holds: a line without it, which is most lines, is told ten times as fast.
_MAYBE = re.compile("ERR|INFO|WARN|LOG|D(?:EBUG|BG)|TRACE|NOTICE|CRIT|FATAL|PANIC|ALERT|EMERG")
_LOOK = 200
"""Characters at the start of a line in which its level is looked for."""
_PAIR = re.compile(r'([A-Za-z_][\w.\-]*)=("(?:[^"\\]|\\.)*"|\S*)')
_MAIN = ("level", "lvl", "severity", "msg", "message", "error", "err")


def level_of(text: str) -> Level:
    """Return the level that a line names, UNKNOWN when it names none; the first word wins."""
    if _MAYBE.search(text[:_LOOK].upper()) is None or (found := _SAID.search(text, 0, _LOOK)) is None:
        return Level.UNKNOWN
    return _WORDS[(found[1] or found[2] or found[3]).upper()]


def levels_of(texts: Sequence[str]) -> Sequence[Level]:
    """Return the level of each line; quick when none of them names one."""
    if _MAYBE.search("\n".join(texts).upper()) is None:
        return (Level.UNKNOWN,) * len(texts)
    return [level_of(text) for text in texts]


@lru_cache(256)
def fields_of(text: str) -> tuple[tuple[str, str], ...]:
    """Return the fields of a JSON object or a logfmt line in their order; empty when it is neither."""
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            data: Any = json.loads(stripped)
        except (ValueError, RecursionError):
            return ()
        if isinstance(data, dict):
            return tuple((key, value if isinstance(value, str) else json.dumps(value)) for key, value in data.items())
        return ()
    pairs = _PAIR.findall(text)
    if len(pairs) < 2:
        return ()
    return tuple((key, value[1:-1].replace('\\"', '"') if value[:1] == '"' else value) for key, value in pairs)


@lru_cache(256)
def folded(text: str) -> str:
    """Return a line with fields as one readable line: the message first, then ``key=value``; others as they are."""
    fields = dict(fields_of(text))
    if not fields:
        return text
    first = [fields.pop(key) for key in _MAIN if key in fields]
    return " ".join([*first, *(f"{key}={value}" for key, value in fields.items())]).replace("\n", "␊")
