"""The in-memory engine: answers without a model, the same way each time. Its name on the screen says so."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from aistack_backend.errors import Unavailable
from aistack_backend.inference import grammar
from aistack_backend.inference.conform import example
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.models import BadModel, Embeddings, Loaded, Piece, Request
from aistack_backend.inference.schema import read_schema
from aistack_backend.inference.vectors import checked, too_long
from aistack_backend.wire.chat import Finish, Role

CONTEXT = 2048
DIMENSIONS, WINDOW = 64, 512
"""Of its vectors, and how many words a text may have."""


class MemoryEngine:
    """Repeats what it was told, word by word, until ``max_tokens``; with a schema, its first allowed values."""

    def __init__(self, check_files: bool = True) -> None:
        """With ``check_files`` a model file must pass the same header check as with a real engine."""
        self._check = check_files
        self._loaded: Loaded | None = None

    @property
    def adapter(self) -> str:
        """Say honestly what this is."""
        return "in-memory"

    async def load(self, model: Path) -> Loaded:
        """See the port."""
        self._loaded = None
        if self._check and (why := (await asyncio.to_thread(read_header, model)).cannot_chat):
            raise BadModel(f"{model.name} {why}", "Choose an instruct model.")
        self._loaded = Loaded(path=model, context_size=CONTEXT, description="repeats what it is told")
        return self._loaded

    async def generate(self, request: Request) -> AsyncGenerator[Piece, None]:
        """See the port."""
        if self._loaded is None:
            raise Unavailable("No model is loaded.", "Wait until the model is ready.")
        words = _words(request)
        prompt = sum(len(text.split()) for text in (request.prompt, *(turn.text for turn in request.turns)))
        began = asyncio.get_running_loop().time()
        made = 0
        for word in words[: request.max_tokens]:
            await asyncio.sleep(0)  # let a cancel come in between, as it does with a real engine
            made += 1
            rate = made / max(asyncio.get_running_loop().time() - began, 1e-9) if made > 1 else None
            yield _piece(word, made, prompt, rate)
        yield Piece(
            finish=Finish.LENGTH if len(words) > request.max_tokens else Finish.STOP,
            tokens=made,
            prompt_tokens=prompt,
            context_used=prompt + made,
            context_size=CONTEXT,
        )

    async def embed(self, model: Path, texts: Sequence[str]) -> Embeddings:
        """See the port. A vector tells which words a text has, by their hashes, and nothing of what they mean."""
        texts = checked(texts)
        if self._check and not (await asyncio.to_thread(read_header, model)).embeds:
            raise BadModel(f"{model.name} does not turn texts into vectors.", "Choose a model that does.")
        tokens = [len(_WORD.findall(text)) + 2 for text in texts]  # two, as BERT has around a text
        for at, count in enumerate(tokens, 1):
            if count > WINDOW:
                raise too_long(at, len(texts), f"has {count} tokens, and the model takes {WINDOW} at most.")
        vectors = []
        for text in texts:
            await asyncio.sleep(0)  # others come in between, as with a real engine
            vectors.append(_hashed(text))
        return Embeddings(
            model=model.stem,
            dimensions=DIMENSIONS,
            vectors=tuple(vectors),
            tokens=sum(tokens),
            counts=tuple(tokens),
            window=WINDOW,
        )

    async def close(self) -> None:
        """See the port."""
        self._loaded = None


_WORD = re.compile(r"\w+|[^\w\s]")


def _hashed(text: str) -> tuple[float, ...]:
    values = [0.0] * DIMENSIONS
    values[0] = 0.5  # whole numbers are added: it never becomes zero
    for word in _WORD.findall(text.lower()):
        number = int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=4).digest(), "little")
        values[number % DIMENSIONS] += 1 if number & 1 << 31 else -1
    length = math.sqrt(sum(one * one for one in values))
    return tuple(one / length for one in values)


def _piece(text: str, made: int, prompt: int, rate: float | None) -> Piece:
    return Piece(
        text=text,
        tokens=made,
        tokens_per_second=rate,
        prompt_tokens=prompt,
        context_used=prompt + made,
        context_size=CONTEXT,
    )


def _words(request: Request) -> list[str]:
    if request.schema:
        grammar.compile_schema(request.schema)  # refuse what a real engine refuses
        return [json.dumps(example(read_schema(request.schema)))]
    said = request.prompt or next((turn.text for turn in reversed(request.turns) if turn.role is Role.USER), "")
    return [f"{word} " for word in ("You said: " + " ".join([said] * 50)).split()]
