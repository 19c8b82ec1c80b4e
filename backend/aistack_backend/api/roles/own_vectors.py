"""The embeddings role in its container: the image's engine, and the model of vectors in the mounted folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from aistack_backend.api.roles.model_files import DATA, ENGINE, MODELS, PATIENCE, first
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import Embeddings, EngineDied, InferenceSettings
from aistack_backend.wire.models import EngineState

WAITING = 16
"""Requests at once; one more is refused."""


class OwnVectors:
    """One model of vectors in this process's worker, or the sentence on why not. Belongs to one event loop."""

    def __init__(self, engine: Path, model: Path | None, data: Path) -> None:
        """``model`` None = none lies in the folder."""
        self.model = model if engine.is_dir() else None
        self._host = LlamaHost(
            engine, data / "inference", InferenceSettings(), self._watch, PATIENCE, engine="xllamacpp"
        )
        self._fault = BackendError("It is being loaded.")
        self._ready = False
        self.first: Embeddings | None = None
        """What the first text told of the model; None = it is not loaded."""
        self._asked = 0
        self._loading: asyncio.Task[None] | None = None

    @classmethod
    def found(cls, env: Mapping[str, str]) -> OwnVectors:
        """Return it with ``AISTACK_MODEL_PATH``, else the first file of the folder that makes vectors."""
        given = env.get("AISTACK_MODEL_PATH", "")
        model = Path(given) if given else first(Path(MODELS), vectors=True)
        return cls(Path(env.get("AISTACK_ENGINE_DIR", ENGINE)), model, Path(DATA))

    @property
    def memory(self) -> int | None:
        """Bytes that the worker holds now; None = none runs."""
        try:
            return psutil.Process(self._host.pid).memory_info().rss if self._host.pid else None
        except psutil.NoSuchProcess:
            return None

    def start(self) -> None:
        """Begin to load."""
        if self.model is not None:
            self._loading = asyncio.create_task(self._load(self.model))

    async def settled(self) -> None:
        """Wait until it is loaded, or cannot be."""
        if self._loading is not None:
            await self._loading

    async def stop(self) -> None:
        """End the worker."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)
        await self._host.close()

    async def embedder(self) -> str:
        """Return the model's file name.

        Raises:
            Unavailable: there is none, or it is not loaded.
        """
        return self._file().name

    async def standing(self) -> str:
        """Return which model makes vectors, as a sentence; raises Unavailable when none does."""
        return f"{self._file().name} makes vectors, by {self._host.adapter}."

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return one vector of length one for each text.

        Raises:
            BadInput: a text is empty or too long. Unavailable: no model can now, or too many ask.
        """
        model = self._file()
        if self._asked >= WAITING:
            raise Unavailable(f"{WAITING} requests wait for vectors already.", "Try again in a moment.")
        self._asked += 1
        try:
            return await self._host.embed(model, texts)
        finally:
            self._asked -= 1

    def _file(self) -> Path:
        if self.model is None:
            hint = "Put all-MiniLM-L6-v2.F16.gguf into the volume embeddings-models, and start the service anew."
            raise Unavailable("No model of vectors lies in /models.", hint, kind="no-embedding-model")
        if not self._ready:
            raise Unavailable(f"{self.model.name} makes no vectors now. {self._fault.detail}", self._fault.hint)
        return self.model

    async def _load(self, model: Path) -> None:
        while not self._ready:
            try:
                self.first = await self._host.embed(model, ["hello"])
                self._ready = True
            except EngineDied as error:
                self._fault = error  # the quarantine says when it is enough
            except BackendError as error:
                self._fault = error
                return

    def _watch(self, state: EngineState, detail: str, hint: str) -> None:
        return  # told of chat models alone
