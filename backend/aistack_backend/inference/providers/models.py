"""What is asked of an endpoint and what comes back; a count that it does not tell is None."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.inference.models import Turn
from aistack_backend.wire.chat import Finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One chat completion."""

    turns: tuple[Turn, ...]
    max_tokens: int = 512
    """The provider's own limit holds as well."""
    temperature: float = 0.3
    schema: str = ""
    """JSON Schema that the answer is to keep; whether the endpoint keeps it is for the caller to check."""
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """As the endpoint counted them."""

    read: int
    written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of an answer, untrusted text; the last one, and only that, has ``finish`` set."""

    text: str = ""
    finish: Finish | None = None
    tokens: Tokens | None = None
    """With ``finish``; None = the endpoint does not say."""
    first_after: float | None = None
    """With ``finish``: seconds from the request to its first text, or to the whole of an answer in one piece."""
    streamed: bool = True
    """With ``finish``: it came piece by piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Vectors of texts, in their order, all of one length."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: Tokens | None = None
