"""A model behind an OpenAI-compatible endpoint: the backend asks it, with a key that stays in its file."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Piece, Rank, Turn
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.models import EngineState, ModelStatus

LARGEST = 8 << 20
"""Bytes of one answer."""
SECONDS, CONNECT = 300.0, 10.0
KEY = 4_096
"""Bytes of a key."""


@dataclass(frozen=True)
class _Message:
    content: str | None = None


@dataclass(frozen=True)
class _Choice:
    message: _Message = field(default_factory=_Message)
    finish_reason: str | None = None


@dataclass(frozen=True)
class _Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class _Completion:
    choices: list[_Choice]
    usage: _Usage | None = None


class RemoteModel:
    """Answers whole conversations; one request each, never redirected, bounded in time and size."""

    def __init__(self, base: str, model: str, key_file: str = "") -> None:
        """``base``: the endpoint's URL up to and with ``/v1``."""
        self._base, self._model, self._key_file = base.rstrip("/"), model, key_file

    def status(self) -> ModelStatus:
        """Say that it may be asked; whether it answers is known when it has."""
        return ModelStatus(engine=EngineState.READY, since=0.0, model=self._model, adapter=self._base)

    async def answer(
        self,
        turns: Sequence[Turn],
        max_tokens: int,
        temperature: float,
        schema: str = "",
        *,
        rank: Rank = Rank.AGENT,
        prompt: str = "",
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[Piece, None]:
        """Yield the answer as one piece, with the tokens as the endpoint counted them. Closing the iterator cancels.
        ``rank`` says nothing to an endpoint, and a raw ``prompt`` is not gone on with.

        Raises:
            BadInput: the key's file cannot be used, or a raw prompt was given. Unavailable: the endpoint does not
            answer as it should, or does not say how many tokens it took.
        """
        if prompt:
            raise BadInput("A model behind an endpoint goes on with no raw text.", "Ask in turns.")
        said = await self._post(self._body(turns, max_tokens, temperature, schema, stop))
        if not said.choices or said.usage is None:
            raise Unavailable(f"{self._host} answers without a choice or without saying how many tokens it took.")
        choice, usage = said.choices[0], said.usage
        yield Piece(
            text=choice.message.content or "",
            finish=Finish.LENGTH if choice.finish_reason == "length" else Finish.STOP,
            tokens=max(0, usage.completion_tokens),
            prompt_tokens=max(0, usage.prompt_tokens),
        )

    def _body(
        self, turns: Sequence[Turn], max_tokens: int, temperature: float, schema: str, stop: Sequence[str]
    ) -> bytes:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": turn.role.value, "content": turn.text} for turn in turns],
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        if stop:
            body["stop"] = list(stop)
        if schema:
            held = {"name": "answer", "strict": True, "schema": msgspec.json.decode(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": held}
        return msgspec.json.encode(body)

    @property
    def _host(self) -> str:
        return urlsplit(self._base).netloc

    async def _post(self, body: bytes) -> _Completion:
        import httpx

        secret = await asyncio.to_thread(key, self._key_file) if self._key_file else ""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
        timeout = httpx.Timeout(SECONDS, connect=CONNECT)
        try:
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False) as client,
                client.stream("POST", f"{self._base}/chat/completions", content=body, headers=headers) as answer,
            ):
                data = b""
                async for chunk in answer.aiter_bytes():
                    data += chunk
                    if len(data) > LARGEST:
                        raise Unavailable(f"The answer of {self._host} is over {LARGEST} bytes.")
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(f"{self._host} does not answer: {str(error) or type(error).__name__}.") from error
        if answer.status_code != 200:
            raise Unavailable(f"{self._host} answers {answer.status_code}.", self._why(answer.status_code))
        try:
            return msgspec.json.decode(data, type=_Completion)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unavailable(f"What {self._host} answers is no chat completion: {error}.") from error

    def _why(self, status: int) -> str:
        if status in (401, 403):
            return f"Look at the key in {self._key_file}." if self._key_file else "It wants a key: name its file."
        return "It is never followed elsewhere: name the URL itself." if 300 <= status < 400 else ""


def key(path: str) -> str:
    """Return the first line of a key's file.

    Raises:
        BadInput: it is not a file of ours that others cannot read, or holds no key.
    """
    where = Path(path)
    try:
        held = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput(f"The key's file {path} cannot be read: {error.strerror}.", "Name a file of yours.") from error
    try:
        info = os.fstat(held)
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o077:
            raise BadInput(f"{path} is not a file of yours that only you can read.", f"chmod 600 {path}")
        text = os.read(held, KEY + 1)
    finally:
        os.close(held)
    first = text.split(b"\n")[0].strip()
    if not first or len(text) > KEY or not all(32 < one < 127 for one in first):
        raise BadInput(f"{path} holds no key in its first line, or more than {KEY} bytes.", "One line, no blanks.")
    return first.decode()
