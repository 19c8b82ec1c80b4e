"""One model in llama.cpp's low-level API: load, prompt with reuse of the context, generate, abort. Child only."""

from __future__ import annotations

import codecs
import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import llama_cpp.llama_cpp as ll

from aistack_backend.inference.answers import CannotAnswer, Progress
from aistack_backend.inference.pace import Pace
from aistack_backend.inference.sampling import Sampler
from aistack_backend.inference.template import ChatFormat

CHUNK = 256
"""Tokens of the prompt computed at once: the longest time between two looks at a cancel, abort callback aside."""
ABORTED = 2
"""What ``llama_decode`` returns when the abort callback said so."""
ROUND = 256
"""llama.cpp rounds a context to this."""


class LoadedModel:
    """A model with one context and one sequence in it."""

    def __init__(self, path: str, context: int, threads: int, tick: Callable[[], bool]) -> None:
        """Load; ``tick`` is called all the time while anything is computed and says True to abort.

        Raises:
            CannotAnswer: the file cannot be loaded, or has no chat template.
        """
        self._tick = tick
        self._on_load = ll.llama_progress_callback(lambda _fraction, _data: not tick())
        self._on_compute = ll.ggml_abort_callback(lambda _data: tick())
        ll.llama_backend_init()
        settings = ll.llama_model_default_params()
        settings.n_gpu_layers = 0
        settings.progress_callback = self._on_load
        self._model: Any = ll.llama_model_load_from_file(path.encode(), settings)
        if not self._model:
            raise CannotAnswer("llama.cpp cannot load this model file.")
        self._vocab: Any = ll.llama_model_get_vocab(self._model)
        self._context: Any = ll.llama_init_from_model(self._model, self._context_settings(context, threads))
        if not self._context:
            raise CannotAnswer(f"llama.cpp cannot make a context of {context} tokens for this model.")
        self._memory: Any = ll.llama_get_memory(self._context)
        self.context_size = int(ll.llama_n_ctx(self._context))
        self._held: list[int] = []
        self._pace, self._threads = Pace(threads), threads
        self._format = self._chat_format()

    @property
    def description(self) -> str:
        """llama.cpp's words for the model."""
        buffer = ctypes.create_string_buffer(256)
        ll.llama_model_desc(self._model, buffer, 256)
        return buffer.value.decode("utf-8", "replace")

    @property
    def used(self) -> int:
        """Tokens that are in the context now."""
        return len(self._held)

    def answer(
        self, turns: Sequence[tuple[str, str]], limit: int, temperature: float, grammar: str, progress: Progress
    ) -> Iterator[str]:
        """Yield the text of one answer as it is made; ``progress`` is kept true meanwhile.

        Raises:
            CannotAnswer: too long for the context, template or grammar refused, or the computation failed.
        """
        prompt, progress.dropped = self._fit(list(turns), min(limit, self.context_size // 4))
        progress.prompt = len(prompt)
        sampler = Sampler(self._context, self._vocab, temperature, grammar)
        try:
            if self._prefill(prompt, progress):
                yield from self._generate(sampler, limit, progress)
        finally:
            sampler.close()

    def _generate(self, sampler: Sampler, limit: int, progress: Progress) -> Iterator[str]:
        text = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            token = sampler.sample()
            if ll.llama_vocab_is_eog(self._vocab, token):
                progress.finish = "stop"
                break
            progress.last_at = time.monotonic()
            progress.first_at = progress.first_at or progress.last_at
            progress.tokens += 1
            if piece := text.decode(self._piece(token)):
                yield piece
            if progress.tokens >= limit or self.used + 1 >= self.context_size:
                progress.finish = "length"
                break
            if not self._decode([token], progress):
                break
        if rest := text.decode(b"", final=True):
            yield rest

    def _prefill(self, prompt: list[int], progress: Progress) -> bool:
        same = 0
        for held, wanted in zip(self._held, prompt[:-1], strict=False):
            if held != wanted:
                break
            same += 1
        self._forget(same)
        progress.reused = len(self._held)
        rest = prompt[progress.reused :]
        return all(self._decode(rest[at : at + CHUNK], progress) for at in range(0, len(rest), CHUNK))

    def _decode(self, tokens: list[int], progress: Progress) -> bool:
        if self._tick():
            progress.finish = "cancelled"
            return False
        if (threads := self._pace.threads(time.monotonic())) != self._threads:
            ll.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads
        array = (ll.llama_token * len(tokens))(*tokens)
        outcome = ll.llama_decode(self._context, ll.llama_batch_get_one(array, len(tokens)))
        if outcome == 0:
            self._held += tokens
            return True
        self._forget(len(self._held))
        if outcome != ABORTED:
            raise CannotAnswer(f"llama.cpp failed while computing (code {outcome}).")
        progress.finish = "cancelled"
        return False

    def _forget(self, keep: int) -> None:
        if ll.llama_memory_seq_rm(self._memory, 0, keep, -1):
            del self._held[keep:]
        else:  # some architectures cannot cut in the middle
            ll.llama_memory_clear(self._memory, True)
            self._held.clear()

    def _fit(self, turns: list[tuple[str, str]], reserve: int) -> tuple[list[int], int]:
        dropped = 0
        while True:
            prompt = self._tokens(self._format.render(turns))
            if len(prompt) + reserve <= self.context_size:
                return prompt, dropped
            oldest = next((at for at, (role, _) in enumerate(turns[:-1]) if role != "system"), None)
            if oldest is None:
                raise CannotAnswer(
                    f"The message needs {len(prompt)} tokens and {reserve} more for the answer; "
                    f"the model's context holds {self.context_size}."
                )
            del turns[oldest]
            dropped += 1

    def _tokens(self, text: str) -> list[int]:
        data = text.encode()
        size = len(data) + 8
        buffer = (ll.llama_token * size)()
        # the template writes the beginning-of-text token itself where the model wants one
        count = ll.llama_tokenize(self._vocab, data, len(data), buffer, size, False, True)
        return list(buffer[:count])

    def _piece(self, token: int, special: bool = False) -> bytes:
        buffer = ctypes.create_string_buffer(512)
        count = ll.llama_token_to_piece(self._vocab, token, buffer, 512, 0, special)
        return buffer.raw[: max(count, 0)]

    def _chat_format(self) -> ChatFormat:
        source = ll.llama_model_chat_template(self._model, None)
        if not source:
            raise CannotAnswer("This model file has no chat template, so it cannot chat.")
        special = []
        for token in range(ll.llama_vocab_n_tokens(self._vocab)):
            if ll.llama_vocab_is_control(self._vocab, token) or ll.llama_vocab_is_eog(self._vocab, token):
                special.append(self._piece(token, special=True).decode("utf-8", "replace"))
        bos, eos = (self._special_text(token) for token in (ll.llama_vocab_bos, ll.llama_vocab_eos))
        return ChatFormat(source.decode("utf-8", "replace"), special, bos, eos)

    def _special_text(self, of: Callable[[Any], int]) -> str:
        token = int(of(self._vocab))
        return self._piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def _context_settings(self, context: int, threads: int) -> Any:
        settings = ll.llama_context_default_params()
        settings.n_ctx = max(ROUND, context // ROUND * ROUND)
        settings.n_batch = settings.n_ubatch = CHUNK
        settings.n_seq_max = 1
        settings.n_threads = settings.n_threads_batch = threads
        settings.abort_callback = self._on_compute
        settings.no_perf = True
        return settings
