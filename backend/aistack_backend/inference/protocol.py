"""The lines between the backend and the model worker: one JSON object a line, both ways.

The worker's real standard output carries nothing else (it moves the descriptor away before any library loads).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from aistack_backend.wire.models import Slot

LINE_LIMIT = 8 * 1024 * 1024
"""Longest line in bytes that either side takes."""


class Do(StrEnum):
    """What the backend orders."""

    LOAD = "load"
    SAY = "say"
    EMBED = "embed"
    CANCEL = "cancel"
    QUIT = "quit"


class Is(StrEnum):
    """What the worker reports."""

    HELLO = "hello"
    """The engine's library is loaded; ``detail`` is its name and version."""
    BEAT = "beat"
    """Alive; ``count`` grows while work gets on."""
    LOADED = "loaded"
    LOADING = "loading"
    """``share`` of the model file is loaded."""
    WAITS = "waits"
    """The request has no slot yet; ``waiting`` others are served before it."""
    BEGUN = "begun"
    """The request has a slot."""
    PIECE = "piece"
    END = "end"
    EMBEDDING = "embedding"
    """A text of the request is being turned into a vector, its model being loaded first where it is not."""
    VECTOR = "vector"
    """One text is done."""
    REFUSED = "refused"
    """The order cannot be done; ``detail`` is one sentence. The worker lives on. Of texts, ``count`` says which one
    is to blame, from 1, and ``detail`` goes on after its name; 0 = the model is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Backend to worker."""

    do: Do
    id: int = 0
    path: str = ""
    lora: str = ""
    """An adapter that is put on the model at ``path``; empty = none."""
    context: int = 0
    """Tokens that one request may fill."""
    cells: int = 0
    """Tokens that all requests may fill together."""
    threads: int = 0
    gpu_layers: int = -1
    """Layers for the GPU, where the engine can use one; -1 = all."""
    turns: tuple[tuple[str, str], ...] = ()
    """Pairs of role and text."""
    max_tokens: int = 0
    temperature: float = 0.0
    rank: int = 0
    prompt: str = ""
    """Raw text instead of turns."""
    grammar: str = ""
    """GBNF, already compiled and checked by the backend."""
    texts: tuple[str, ...] = ()
    """To be turned into vectors by the model at ``path``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Worker to backend."""

    what: Is
    id: int = 0
    detail: str = ""
    text: str = ""
    finish: str = ""
    count: int = 0
    busy: bool = False
    tokens: int = 0
    tokens_per_second: float | None = None
    prompt_tokens: int = 0
    reused_tokens: int = 0
    dropped_turns: int = 0
    context_used: int = 0
    context_size: int = 0
    vector: str = ""
    """Base64 of little-endian 32-bit floats, of length one together."""
    window: int = 0
    """Tokens that a text may have for that model."""
    loaded_in: float = 0.0
    """Seconds that loading that model took."""
    share: float = 0.0
    layers: int = 0
    layers_on_gpu: int = 0
    gpu_able: bool = False
    slots: tuple[Slot, ...] = ()
    """Of a beat, as all below."""
    waiting: int = 0
    memory: int = 0
    """Bytes that the process holds."""


Line = TypeVar("Line", Order, Report)


_FIELDS = {kind: {field.name: field.default for field in fields(kind)} for kind in (Order, Report)}
_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=asdict)


def encode(line: Order | Report) -> bytes:
    """Return the line with its newline; what has its default is left out, since one is written for every token."""
    given = ((name, getattr(line, name), default) for name, default in _FIELDS[type(line)].items())
    return _JSON.encode({name: value for name, value, default in given if value != default}).encode() + b"\n"


def decode(kind: type[Line], line: bytes) -> Line:
    """Read one line.

    Raises:
        ValueError: not a line of that kind.
    """
    try:
        found: dict[str, Any] = json.loads(line)
        values = {key: value for key, value in found.items() if key in _FIELDS[kind]}
        if kind is Order:
            values["do"] = Do(values["do"])
            values["turns"] = tuple((str(role), str(text)) for role, text in values.get("turns", ()))
            values["texts"] = tuple(str(text) for text in values.get("texts", ()))
        else:
            values["what"] = Is(values["what"])
            if "slots" in values:
                values["slots"] = tuple(Slot(**slot) for slot in values["slots"])
        return kind(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"Not a {kind.__name__} line: {line[:80]!r} ({error}).") from error
