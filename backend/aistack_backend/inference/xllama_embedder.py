"""A model of vectors in xllamacpp's in-process server. Child only; what the image of our roles has."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aistack_backend.inference.answers import CannotAnswer
from aistack_backend.inference.embedding import AbortedError
from aistack_backend.inference.protocol import Order

WINDOW = 512
"""Tokens of one text at most."""
_MARK = re.compile(r"\[(?=(?:CLS|SEP|PAD|MASK|UNK)\])")
"""The server would read these words of a text as special tokens."""
_TOO_LONG = re.compile(r"\((\d+) tokens\) is too large")


class LoadedEmbedder:
    """See :class:`~aistack_backend.inference.embedding.Embeds`. A text that is being computed is not aborted: it takes
    a second at most."""

    def __init__(self, order: Order) -> None:
        """Load ``order.path``.

        Raises:
            CannotAnswer: the file cannot be loaded.
        """
        import xllamacpp

        self.path, self.window = order.path, WINDOW
        self._folder = tempfile.TemporaryDirectory(prefix="aistack-")
        wish = xllamacpp.CommonParams()
        wish.model.path = order.path
        wish.hostnames = [str(Path(self._folder.name) / "s.sock")]  # it insists on listening somewhere
        wish.n_ctx = wish.n_batch = wish.n_ubatch = WINDOW
        wish.n_parallel, wish.n_gpu_layers = 1, 0
        wish.cpuparams.n_threads = 1
        wish.warmup = False
        wish.embedding = True
        try:
            self._server: Any = xllamacpp.Server(wish)
        except RuntimeError as error:
            raise CannotAnswer("llama.cpp cannot load this model file.") from error

    def embed(self, text: str, unwanted: Callable[[], bool]) -> tuple[Sequence[float], int]:
        """See the protocol."""
        if unwanted():
            raise AbortedError
        said: dict[str, Any] = self._server.handle_embeddings({"input": [_MARK.sub("[ ", text)], "model": ""})
        if (error := said.get("error")) is not None:
            why = str(error.get("message", error))
            if found := _TOO_LONG.search(why):
                raise CannotAnswer(f"has {found[1]} tokens, and the model takes {WINDOW} at most.")
            raise CannotAnswer(f"is refused by llama.cpp: {why[:200]}")
        return said["data"][0]["embedding"], int(said["usage"]["prompt_tokens"])
