"""One model in llama.cpp's low-level API: load, tokens, batches over several sequences, abort. Child only."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp.llama_cpp as ll

from aistack_backend.inference.answers import CannotAnswer
from aistack_backend.inference.pace import Pace
from aistack_backend.inference.protocol import Order
from aistack_backend.inference.sampling import Sampler
from aistack_backend.inference.template import ChatFormat

CHUNK = 256
"""Tokens of the prompt computed at once: the longest time between two looks at a cancel, abort callback aside."""
ABORTED = 2
"""What ``llama_decode`` returns when the abort callback said so."""
EVERY_LAYER = 999
ROUND = 256
"""llama.cpp rounds a context to this."""
FEW, QUICK = 16, 0.04
"""A step of at most so many tokens is not watched from within when the last such took at most so many seconds: its end
is soon enough to see a cancel. llama.cpp would ask at each of some 500 nodes of the graph, and Python answers slowly:
1.2 ms of a step that takes 6."""


class LoadedModel:
    """A model with one context of several sequences that share its cells."""

    def __init__(
        self, order: Order, sequences: int, tick: Callable[[], bool], loading: Callable[[float], None]
    ) -> None:
        """Load ``order.path``; ``tick`` is called all the time while anything is computed and says True to abort,
        ``loading`` with the share of the file that is loaded.

        Raises:
            CannotAnswer: the file cannot be loaded, or has no chat template.
        """

        def follow(share: float, _data: Any) -> bool:
            loading(share)
            return not tick()

        self.abort: Callable[[], bool] = lambda: False
        self._tick = tick
        self._on_load = ll.llama_progress_callback(follow)
        self._on_compute = ll.ggml_abort_callback(lambda _data: tick() or self.abort())
        self._never = ll.ggml_abort_callback()
        self._watched, self._took = True, 0.0
        ll.llama_backend_init()
        self.gpu_able = bool(ll.llama_supports_gpu_offload())
        on_gpu = (order.gpu_layers if order.gpu_layers >= 0 else EVERY_LAYER) if self.gpu_able else 0
        self._model: Any = self._weights(order.path, on_gpu)
        layers = int(ll.llama_model_n_layer(self._model))
        self.layers = (layers, min(layers, on_gpu))
        self._vocab: Any = ll.llama_model_get_vocab(self._model)
        self.sequences, self.context_size = sequences, max(ROUND, order.context // ROUND * ROUND)
        wish = self._context_settings(max(order.cells, self.context_size), order.threads)
        self._context: Any = ll.llama_init_from_model(self._model, wish)
        if not self._context:
            raise CannotAnswer(f"llama.cpp cannot make a context of {wish.n_ctx} tokens for this model.")
        self.adapt(order.lora)
        self.cells = int(ll.llama_n_ctx(self._context))
        self._memory: Any = ll.llama_get_memory(self._context)
        self._whole = bool(ll.llama_model_is_recurrent(self._model) or ll.llama_model_is_hybrid(self._model))
        self._batch = ll.llama_batch_init(CHUNK, 0, 1)
        self._pace, self._threads = Pace(order.threads), order.threads
        self._format = self._chat_format()

    def _weights(self, path: str, on_gpu: int) -> Any:
        settings = ll.llama_model_default_params()
        settings.n_gpu_layers, settings.progress_callback = on_gpu, self._on_load
        if not (model := ll.llama_model_load_from_file(path.encode(), settings)):
            raise CannotAnswer("llama.cpp cannot load this model file.")
        return model

    def adapt(self, adapter: str) -> None:
        """Compute with the adapter in this file from now on; empty = with the model alone.

        Raises:
            CannotAnswer: llama.cpp refuses the file.
        """
        count, pointers, scales = 0, (ctypes.c_void_p * 1)(), (ctypes.c_float * 1)(1.0)
        if adapter:
            loaded = ll.llama_adapter_lora_init(self._model, adapter.encode())
            if not loaded:
                raise CannotAnswer(f"llama.cpp cannot load the adapter {adapter} for this model.")
            pointers[0], count = ctypes.cast(loaded, ctypes.c_void_p).value, 1
        given: Any = ctypes.cast(pointers, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))
        if ll.llama_set_adapters_lora(self._context, given, count, scales):
            raise CannotAnswer("llama.cpp cannot compute with this adapter.")

    @property
    def description(self) -> str:
        """llama.cpp's words for the model."""
        buffer = ctypes.create_string_buffer(256)
        ll.llama_model_desc(self._model, buffer, 256)
        return buffer.value.decode("utf-8", "replace")

    def prompt(self, order: Order) -> tuple[list[int], int]:
        """Return the tokens of a request, and how many of its oldest turns were left out because they do not fit.

        Raises:
            CannotAnswer: too long for the context all the same, or the template refuses the turns.
        """
        turns, reserve, dropped = list(order.turns), min(order.max_tokens, self.context_size // 4), 0
        while True:
            prompt = self._raw(order.prompt) if order.prompt else self._tokens(self._format.render(turns))
            if len(prompt) + reserve <= self.context_size and prompt:
                return prompt, dropped
            oldest = next((at for at, (role, _) in enumerate(turns[:-1]) if role != "system"), None)
            if oldest is None:
                raise CannotAnswer(
                    f"The message needs {len(prompt)} tokens and {reserve} more for the answer; "
                    f"the model's context holds {self.context_size}."
                )
            del turns[oldest]
            dropped += 1

    def sampler(self, temperature: float, grammar: str) -> Sampler:
        """Return what chooses the tokens of one answer; raises CannotAnswer."""
        return Sampler(self._context, self._vocab, temperature, grammar)

    def decode(self, parts: Sequence[tuple[int, int, list[int]]]) -> int:
        """Compute ``(sequence, position, tokens)`` together, ``CHUNK`` tokens at most; logits are there for the last
        token of each part. Return llama.cpp's code: 0 = done, 1 = no room, 2 = aborted; else nothing was computed."""
        if self._tick() or self.abort():
            return ABORTED
        if (threads := self._pace.threads(time.monotonic())) != self._threads:
            ll.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads
        batch, at = self._batch, 0
        for sequence, position, tokens in parts:
            for offset, token in enumerate(tokens):
                batch.token[at], batch.pos[at] = token, position + offset
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
                batch.logits[at] = offset == len(tokens) - 1
                at += 1
        batch.n_tokens = at
        self._watch(at > FEW or self._took > QUICK)
        began = time.monotonic()
        code = int(ll.llama_decode(self._context, batch))
        if at <= FEW:
            self._took = time.monotonic() - began
            self._pace.took(self._threads, at, self._took)
        return code

    def _watch(self, wanted: bool) -> None:
        """Have llama.cpp ask within a computation whether to go on, or not."""
        if wanted is not self._watched:
            self._watched = wanted
            ll.llama_set_abort_callback(self._context, self._on_compute if wanted else self._never, None)

    def forget(self, sequence: int, keep: int) -> bool:
        """Drop what a sequence holds beyond ``keep`` tokens; False = all of it had to go."""
        if ll.llama_memory_seq_rm(self._memory, sequence, keep, -1):
            return True
        ll.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return False

    def share(self, source: int, target: int, tokens: int) -> bool:
        """Let ``target`` hold the first tokens of ``source`` and nothing else; False = this model cannot."""
        ll.llama_memory_seq_rm(self._memory, target, -1, -1)
        if self._whole or not tokens:
            return False
        ll.llama_memory_seq_cp(self._memory, source, target, 0, tokens)
        return True

    def ends(self, token: int) -> bool:
        """Whether the token ends an answer."""
        return bool(ll.llama_vocab_is_eog(self._vocab, token))

    def piece(self, token: int, special: bool = False) -> bytes:
        """Return the bytes of a token; a special one is empty unless asked for."""
        buffer = ctypes.create_string_buffer(512)
        count = ll.llama_token_to_piece(self._vocab, token, buffer, 512, 0, special)
        return buffer.raw[: max(count, 0)]

    def _raw(self, text: str) -> list[int]:
        return self._tokens(text, begin=True, special=False)

    def _tokens(self, text: str, begin: bool = False, special: bool = True) -> list[int]:
        data = text.encode()
        size = len(data) + 8
        buffer = (ll.llama_token * size)()
        # a template writes the beginning-of-text token itself where the model wants one
        count = ll.llama_tokenize(self._vocab, data, len(data), buffer, size, begin, special)
        return list(buffer[:count])

    def _chat_format(self) -> ChatFormat:
        source = ll.llama_model_chat_template(self._model, None)
        if not source:
            raise CannotAnswer("This model file has no chat template, so it cannot chat.")
        special = []
        for token in range(ll.llama_vocab_n_tokens(self._vocab)):
            if ll.llama_vocab_is_control(self._vocab, token) or ll.llama_vocab_is_eog(self._vocab, token):
                special.append(self.piece(token, special=True).decode("utf-8", "replace"))
        bos, eos = (self._special_text(token) for token in (ll.llama_vocab_bos, ll.llama_vocab_eos))
        return ChatFormat(source.decode("utf-8", "replace"), special, bos, eos)

    def _special_text(self, of: Callable[[Any], int]) -> str:
        token = int(of(self._vocab))
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def _context_settings(self, context: int, threads: int) -> Any:
        settings = ll.llama_context_default_params()
        settings.n_ctx = max(ROUND, context // ROUND * ROUND)
        settings.n_batch = settings.n_ubatch = CHUNK
        settings.n_seq_max = self.sequences
        settings.kv_unified = settings.swa_full = True
        settings.n_threads = settings.n_threads_batch = threads
        settings.abort_callback = self._on_compute
        settings.no_perf = True
        return settings
