"""One model in xllamacpp's in-process server, with the face of :mod:`~aistack_backend.inference.llama`. Child only.

Only the small model of the catalogue is ever given to it, and only until our own engine is built.
"""

from __future__ import annotations

import queue
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aistack_backend.inference.answers import CannotAnswer, Progress
from aistack_backend.inference.protocol import Order

LOOK = 0.05
"""Seconds between two looks at a cancel while the prompt is being read."""
BATCH = 128
_MARK = re.compile(r"<(?=[a-z_|]{2,40}>)")
"""Every special token of the small model looks like this."""
_TOO_LONG = "exceed_context_size_error"


class LoadedModel:
    """A model in a server that listens on nothing but a socket in a private folder."""

    def __init__(self, path: str, context: int, threads: int, tick: Callable[[], bool]) -> None:
        """Load; one thread computes, because the machine is busy building our own engine meanwhile.

        Raises:
            CannotAnswer: the file cannot be loaded.
        """
        import xllamacpp

        self._tick = tick
        self._folder = tempfile.TemporaryDirectory(prefix="aistack-")
        wish = xllamacpp.CommonParams()
        wish.model.path = path
        wish.hostnames = [str(Path(self._folder.name) / "s.sock")]  # it insists on listening somewhere
        wish.n_ctx, wish.n_parallel, wish.n_gpu_layers = context, 1, 0
        wish.n_batch = wish.n_ubatch = BATCH
        wish.cpuparams.n_threads = 1
        wish.warmup = False
        try:
            self._server = xllamacpp.Server(wish)
        except RuntimeError as error:
            raise CannotAnswer("llama.cpp cannot load this model file.") from error
        self.context_size, self.used = context, 0
        self._reader: threading.Thread | None = None

    @property
    def description(self) -> str:
        """Say what it is."""
        return "for the first minutes"

    def answer(self, order: Order, progress: Progress) -> Iterator[str]:
        """Yield the text of one answer as it is made; ``progress`` is kept true meanwhile.

        Raises:
            CannotAnswer: too long for the context, or refused.
        """
        kept = [{"role": role, "content": _MARK.sub("< ", text)} for role, text in order.turns]
        wish: dict[str, Any] = {"max_tokens": order.max_tokens, "n_predict": order.max_tokens, "stream": True}
        wish |= {"stream_options": {"include_usage": True}, "temperature": order.temperature, "repeat_penalty": 1.1}
        wish |= {"grammar": order.grammar, "temperature": 0} if order.grammar else {}
        wish |= {"prompt": _MARK.sub("< ", order.prompt)} if order.prompt else {"messages": kept}
        while True:
            try:
                yield from self._stream(wish, progress)
            except _TooLongError as error:
                oldest = next((at for at, turn in enumerate(kept[:-1]) if turn["role"] != "system"), None)
                if oldest is None:
                    raise CannotAnswer(
                        f"The message is too long; the model's context holds {self.context_size}."
                    ) from error
                del kept[oldest]
                progress.dropped += 1
            else:
                return

    def _stream(self, wish: dict[str, Any], progress: Progress) -> Iterator[str]:
        if self._reader:
            self._reader.join()  # one that was cancelled while it read its prompt
        chunks: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        gone = threading.Event()

        def take(chunk: dict[str, Any]) -> bool:
            chunks.put(chunk)
            return gone.is_set() or self._tick()

        def run() -> None:
            try:
                ask = self._server.handle_completions if "prompt" in wish else self._server.handle_chat_completions
                ask(wish, take)
            finally:
                chunks.put(None)

        self._reader = threading.Thread(target=run, daemon=True)
        self._reader.start()
        try:
            while True:
                if self._tick():
                    progress.finish = "cancelled"
                    return
                try:
                    chunk = chunks.get(timeout=LOOK)
                except queue.Empty:
                    continue
                if chunk is None:
                    progress.finish = progress.finish or "stop"
                    return
                if text := self._note(chunk, progress):
                    yield text
        finally:
            gone.set()

    def _note(self, chunk: dict[str, Any], progress: Progress) -> str:
        if "error" in chunk or chunk.get("type") == _TOO_LONG or "code" in chunk:
            error = chunk.get("error", chunk)
            if error.get("type") == _TOO_LONG:
                raise _TooLongError
            raise CannotAnswer(f"llama.cpp refuses: {str(error.get('message', error))[:200]}")
        if usage := chunk.get("usage"):
            progress.tokens, progress.prompt = usage["completion_tokens"], usage["prompt_tokens"]
            progress.reused = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            self.used = usage["total_tokens"]
        for choice in chunk.get("choices", ()):
            progress.finish = choice.get("finish_reason") or progress.finish
            if text := str(choice["delta"].get("content") or "" if "delta" in choice else choice.get("text") or ""):
                progress.last_at = time.monotonic()
                progress.first_at = progress.first_at or progress.last_at
                progress.tokens += 1
                self.used += 1
                return text
        return ""


class _TooLongError(Exception):
    pass
