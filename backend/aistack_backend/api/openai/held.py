"""What a model writes, read as what it is held to: words, JSON of a schema, or a call of a tool."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from aistack_backend.api.openai.tools import ANSWER, ARGS, TOOL
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference import grammar
from aistack_backend.inference.models import Piece
from aistack_backend.wire.chat import Finish

_OPEN = re.compile(rf'\s*\{{\s*"{ANSWER}"\s*:\s*"')
_WHOLE = re.compile(r'(?:[^"\\]|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB]..\\u[0-9a-fA-F]{4})*')
"""Characters of a JSON string, none of them cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a tool."""

    id: str
    name: str
    arguments: str
    """JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What came next of an answer."""

    text: str = ""
    call: Call | None = None
    piece: Piece
    """The piece that it came of, with its counts; its ``finish`` ends the answer."""


async def as_text(pieces: AsyncGenerator[Piece, None], schema: str) -> AsyncGenerator[Part, None]:
    """Yield the text as it comes; what has a schema and came to its end is checked against it.

    Raises:
        Unavailable: it does not keep the schema.
    """
    whole = ""
    async with aclosing(pieces):
        async for piece in pieces:
            if schema:
                whole += piece.text
                if piece.finish is Finish.STOP:
                    _kept(schema, whole)
            yield Part(text=piece.text, piece=piece)


async def as_calls(pieces: AsyncGenerator[Piece, None], schema: str, words: bool) -> AsyncGenerator[Part, None]:
    """Yield the words of an answer as they come, or a call once it is whole; ``words``: an answer is a plain text.

    Raises:
        Unavailable: what was written does not keep the schema.
    """
    answer = Answer()
    async with aclosing(pieces):
        async for piece in pieces:
            text = answer.add(piece.text) if words else answer.keep(piece.text)
            if piece.finish is not Finish.STOP:
                yield Part(text=text, piece=piece)
                continue
            value = _kept(schema, answer.raw)
            if TOOL in value:
                arguments = json.dumps(value[ARGS], ensure_ascii=False)
                made = Call(id=f"call_{uuid.uuid4().hex[:24]}", name=value[TOOL], arguments=arguments)
                yield Part(call=made, piece=replace(piece, finish=None))
                yield Part(piece=piece)
            else:
                said = value[ANSWER] if words else json.dumps(value[ANSWER], ensure_ascii=False)
                yield Part(text=said[answer.told - len(text) :] if words else said, piece=piece)


class Answer:
    """``{"answer": "…"}`` read while it is being written."""

    def __init__(self) -> None:
        self.raw = ""
        self.told = 0
        """Characters of the answer that were given."""
        self._at: int | None = None

    def keep(self, text: str) -> str:
        """Take what came, and tell nothing of it yet."""
        self.raw += text
        return ""

    def add(self, text: str) -> str:
        """Take what came, and return what it adds to the answer."""
        self.raw += text
        if self._at is None:
            if (opened := _OPEN.match(self.raw)) is None:
                return ""
            self._at = opened.end()
        found = _WHOLE.match(self.raw, self._at)
        end = found.end() if found else self._at
        said: str = json.loads(f'"{self.raw[self._at : end]}"', strict=False)
        self._at = end
        self.told += len(said)
        return said


def _kept(schema: str, text: str) -> Any:
    try:
        return grammar.check(schema, text)
    except BadInput as error:
        raise Unavailable(
            f"The model did not keep to the form that was asked for. {error.detail}",
            "Ask again, or for a simpler form.",
            kind="form-not-kept",
        ) from error
