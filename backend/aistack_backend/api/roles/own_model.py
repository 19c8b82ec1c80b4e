"""The llama-cpp role in its container: the image's engine, and the model that lies in the mounted folder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Self

from aistack_backend.api.roles.model_files import DATA, ENGINE, MODELS, PATIENCE, first
from aistack_backend.errors import BackendError
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import InferenceSettings, Piece, Rank, Request, Turn
from aistack_backend.inference.stops import stopped
from aistack_backend.wire.models import EngineState, ModelCard, ModelStatus


class OwnModel:
    """One loaded model, one answer at a time, in this process's worker. Belongs to one event loop."""

    def __init__(self, engine: Path, model: Path, data: Path) -> None:
        self._model, self._size = model, model.stat().st_size if model.is_file() else 0
        self._host = LlamaHost(
            engine, data / "inference", InferenceSettings(), self._watch, PATIENCE, engine="xllamacpp"
        )
        self._said = (EngineState.LOADING, "", "")
        self._since = time.time()
        self._turn = asyncio.Lock()
        self._loading: asyncio.Task[None] | None = None

    @classmethod
    def found(cls, env: Mapping[str, str]) -> Self | None:
        """Return the model to serve: ``AISTACK_MODEL_PATH``, else the first file in ``/models`` that is not one of
        vectors; None = none."""
        engine = Path(env.get("AISTACK_ENGINE_DIR", ENGINE))
        given = env.get("AISTACK_MODEL_PATH", "")
        model = Path(given) if given else first(Path(MODELS), vectors=False)
        return cls(engine, model, Path(DATA)) if model and engine.is_dir() else None

    def start(self) -> None:
        """Begin to load."""
        self._loading = asyncio.create_task(self._load())

    async def stop(self) -> None:
        """End the worker."""
        if self._loading is not None:
            self._loading.cancel()
        await self._host.close()

    def status(self) -> ModelStatus:
        """Return where the engine stands, and the one model."""
        state, detail, hint = self._said
        name, path = self._model.name, str(self._model)
        card = ModelCard(id=name, name=name, licence="", origin="your file", size=self._size, path=path)
        return ModelStatus(
            engine=state,
            since=self._since,
            detail=detail,
            hint=hint,
            adapter=self._host.adapter,
            model=name if self._host.loaded else "",
            cards=(card,),
        )

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
        """Answer a conversation; who comes later waits. Closing the iterator cancels.

        Raises:
            BadInput: the prompt is too long, or the schema is outside the subset. Unavailable: no model can answer now.
        """
        request = Request(
            turns=tuple(turns),
            max_tokens=max_tokens,
            temperature=temperature,
            schema=schema,
            rank=rank,
            prompt=prompt,
            stop=tuple(stop),
        )
        async with self._turn, aclosing(stopped(self._host.generate(request), request.stop)) as pieces:
            async for piece in pieces:
                yield piece

    async def _load(self) -> None:
        try:
            await self._host.load(self._model)
        except BackendError as error:
            self._watch(EngineState.FAILED, error.detail, error.hint)

    def _watch(self, state: EngineState, detail: str, hint: str) -> None:
        self._said, self._since = (state, detail, hint), time.time()
