"""A model of vectors in llama.cpp's low-level API, with a context of its own. Child only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp.llama_cpp as ll

from aistack_backend.inference.answers import CannotAnswer
from aistack_backend.inference.embedding import AbortedError
from aistack_backend.inference.pace import Pace
from aistack_backend.inference.protocol import Order

ABORTED = 2
"""What ``llama_encode`` returns when the abort callback said so."""
WINDOW = 512
"""Tokens of one text at most, whatever the model could take: they are computed in one go."""


class LoadedEmbedder:
    """See :class:`~aistack_backend.inference.embedding.Embeds`."""

    def __init__(self, order: Order, tick: Callable[[], bool]) -> None:
        """Load ``order.path``; ``tick`` is called all the time while anything is computed and says True to abort.

        Raises:
            CannotAnswer: the file cannot be loaded, or gives no vectors. AbortedError: it was aborted.
        """
        self._unwanted: Callable[[], bool] = lambda: False
        self._on_load = ll.llama_progress_callback(lambda _share, _data: not tick())
        self._on_compute = ll.ggml_abort_callback(lambda _data: tick() or self._unwanted())
        ll.llama_backend_init()
        settings = ll.llama_model_default_params()
        settings.n_gpu_layers = 0
        settings.progress_callback = self._on_load
        self.path = order.path
        self._model: Any = ll.llama_model_load_from_file(order.path.encode(), settings)
        if not self._model:
            if tick():
                raise AbortedError
            raise CannotAnswer("llama.cpp cannot load this model file.")
        self._vocab: Any = ll.llama_model_get_vocab(self._model)
        self.window = min(WINDOW, int(ll.llama_model_n_ctx_train(self._model)) or WINDOW)
        self._context: Any = ll.llama_init_from_model(self._model, self._context_settings(order.threads))
        if not self._context:
            raise CannotAnswer(f"llama.cpp cannot make a context of {self.window} tokens for this model.")
        self._width = int(ll.llama_model_n_embd(self._model))
        self._batch = ll.llama_batch_init(WINDOW, 0, 1)
        self._pace, self._threads = Pace(order.threads), order.threads

    def __del__(self) -> None:
        """Give the memory back."""
        if getattr(self, "_context", None):
            ll.llama_free(self._context)
        if getattr(self, "_model", None):
            ll.llama_model_free(self._model)

    def embed(self, text: str, unwanted: Callable[[], bool]) -> tuple[Sequence[float], int]:
        """See the protocol."""
        tokens = self._tokens(text)
        if len(tokens) > self.window:
            raise CannotAnswer(f"has {len(tokens)} tokens, and the model takes {self.window} at most.")
        if (threads := self._pace.threads(time.monotonic())) != self._threads:
            ll.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads
        batch = self._batch
        for at, token in enumerate(tokens):
            batch.token[at], batch.pos[at], batch.logits[at] = token, at, True
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
        batch.n_tokens = len(tokens)
        self._unwanted = unwanted
        code = int(ll.llama_encode(self._context, batch))
        if code == ABORTED:
            raise AbortedError
        if code:
            raise CannotAnswer(f"makes llama.cpp fail while computing (code {code}).")
        found = ll.llama_get_embeddings_seq(self._context, 0)
        if not found:
            raise CannotAnswer("gets no vector: this model pools none.")
        return found[: self._width], len(tokens)

    def _tokens(self, text: str) -> list[int]:
        data = text.encode()
        size = len(data) + 8
        while True:
            buffer = (ll.llama_token * size)()
            count = int(ll.llama_tokenize(self._vocab, data, len(data), buffer, size, True, False))
            if count >= 0:
                return list(buffer[:count])
            size = -count

    def _context_settings(self, threads: int) -> Any:
        settings = ll.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = self.window
        settings.n_seq_max = 1
        settings.embeddings = True
        settings.n_threads = settings.n_threads_batch = threads
        settings.abort_callback = self._on_compute
        settings.no_perf = True
        return settings
