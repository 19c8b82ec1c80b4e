"""The in-memory engine: answers without a model, the same way each time. Its name on the screen says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

from aistack_backend.errors import Unavailable
from aistack_backend.inference import grammar
from aistack_backend.inference.conform import example
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.models import BadModel, Loaded, Piece, Request
from aistack_backend.inference.schema import read_schema
from aistack_backend.wire.chat import Finish, Role

CONTEXT = 2048


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
        if self._check and not (await asyncio.to_thread(read_header, model)).template:
            raise BadModel(f"{model.name} has no chat template, so it cannot chat.", "Choose an instruct model.")
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

    async def close(self) -> None:
        """See the port."""
        self._loaded = None


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
