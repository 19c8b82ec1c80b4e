"""OpenAI's forms as we send and read them; what is missing or odd is unknown, what is another form is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from aistack_backend.inference.providers.models import Ask, Tokens, Vectors
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.providerconfig import ProviderConfig

T = TypeVar("T")
MOST_TOKENS = 1_000_000_000
"""A higher count is not believed."""
LISTED = 2_000
"""Names of models that are read of a list."""


@dataclass(frozen=True)
class Said:
    """Text of a message, or of a piece of one."""

    content: str | None = None


@dataclass(frozen=True)
class Choice:
    """One answer: ``message`` when whole, ``delta`` when streamed."""

    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        """What is said in it."""
        said = self.message or self.delta
        return (said.content or "") if said else ""

    @property
    def finish(self) -> Finish | None:
        """How it ended; None = it goes on."""
        if self.finish_reason is None:
            return None
        return Finish.LENGTH if self.finish_reason == "length" else Finish.STOP


@dataclass(frozen=True)
class Completion:
    """A whole completion, or one event of a stream."""

    choices: list[Choice] = field(default_factory=list)
    usage: Any = None
    error: Any = None

    @property
    def tokens(self) -> Tokens | None:
        """What it counted."""
        return tokens(self.usage)


@dataclass(frozen=True)
class _Listed:
    id: str


@dataclass(frozen=True)
class ModelNames:
    """The list of models."""

    data: list[_Listed]

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, bounded."""
        return tuple(one.id[:300] for one in self.data[:LISTED])


@dataclass(frozen=True)
class _Vector:
    embedding: list[float]
    index: int = 0


@dataclass(frozen=True)
class Embedded:
    """The vectors of some texts."""

    data: list[_Vector]
    usage: Any = None


class OtherForm(ValueError):
    """What came is not of the form; the text says how."""


def read(data: bytes, kind: type[T]) -> T:
    """Decode an answer.

    Raises:
        OtherForm: it is not of that form.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OtherForm(str(error)) from error


def tokens(usage: Any) -> Tokens | None:
    """Return the counts of ``usage``; None where they are missing or cannot be."""
    if not isinstance(usage, dict):
        return None
    read, written = usage.get("prompt_tokens"), usage.get("completion_tokens", 0)
    if all(type(one) is int and 0 <= one <= MOST_TOKENS for one in (read, written)):
        return Tokens(int(read or 0), int(written))
    return None


def vectors(answer: Embedded, wanted: int) -> Vectors:
    """Return one vector a text, in the order of the texts.

    Raises:
        OtherForm: there are fewer or more, of several lengths, or with what is no number.
    """
    found = sorted(answer.data, key=lambda one: one.index)
    if [one.index for one in found] != list(range(wanted)):
        raise OtherForm(f"{len(found)} vectors came for {wanted} texts, or not one for each")
    if len({len(one.embedding) for one in found}) != 1 or not found[0].embedding:
        raise OtherForm("the vectors have several lengths, or none")
    if not all(math.isfinite(number) for one in found for number in one.embedding):
        raise OtherForm("a vector holds what is no number")
    return Vectors(vectors=tuple(tuple(one.embedding) for one in found), tokens=tokens(answer.usage))


def chat(provider: ProviderConfig, ask: Ask, *, stream: bool) -> bytes:
    """Return the body of a chat completion."""
    body: dict[str, Any] = {
        "model": provider.model,
        "messages": [{"role": turn.role.value, "content": turn.text} for turn in ask.turns],
        "max_tokens": min(ask.max_tokens, provider.max_tokens),
        "temperature": ask.temperature,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if ask.stop:
        body["stop"] = list(ask.stop)
    if ask.schema:
        held = {"name": "answer", "strict": True, "schema": msgspec.json.decode(ask.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": held}
    return msgspec.json.encode(body)


def embed(provider: ProviderConfig, texts: Sequence[str]) -> bytes:
    """Return the body of a request for embeddings."""
    return msgspec.json.encode({"model": provider.model, "input": list(texts), "encoding_format": "float"})
