"""Choose the next token: the usual chain for chat, or the likeliest token that a grammar allows. Child only."""

from __future__ import annotations

import ctypes
import math
from array import array
from typing import Any

import llama_cpp.llama_cpp as ll

from aistack_backend.inference.answers import CannotAnswer

RECENT, REPEAT = 64, 1.1
TOP_K, TOP_P, MIN_P = 40, 0.9, 0.05
ANY_SEED = 0xFFFFFFFF


class Sampler:
    """Samples from the last computed logits of a context."""

    def __init__(self, context: Any, vocab: Any, temperature: float, grammar: str) -> None:
        """Build the chains; with a grammar the choice is always the likeliest allowed token.

        Raises:
            CannotAnswer: the grammar was not taken (used unchecked it would kill the process).
        """
        self._context = context
        self._grammar: Any = None
        self._strict: Any = None
        if grammar:
            self._grammar = ll.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
            if not self._grammar:
                raise CannotAnswer("llama.cpp refuses the grammar of this schema.")
            self._strict = _chain([self._grammar, ll.llama_sampler_init_greedy()])
        self._size = int(ll.llama_vocab_n_tokens(vocab))
        self._free = _chain(_steps(0.0 if grammar else temperature, self._size))

    def sample(self, at: int) -> int:
        """Return the next token, by the logits of the batch's token ``at``, and remember it.

        With a grammar the free choice is tried first, and all tokens are weighed only when it is refused:
        31 → 1.25 ms a token (``facts/inference.md`` §3).

        Raises:
            CannotAnswer: the model has no token for what the grammar wants (taken all the same, it would abort).
        """
        token = int(ll.llama_sampler_sample(self._free, self._context, at))
        if self._grammar is None:
            return token
        if not self._allowed(token):
            token = self._likeliest_allowed(at)
        ll.llama_sampler_accept(self._strict, token)
        return token

    def close(self) -> None:
        """Give the samplers back."""
        ll.llama_sampler_free(self._free)
        if self._strict is not None:
            ll.llama_sampler_free(self._strict)  # and the grammar in it

    def _allowed(self, token: int) -> bool:
        one = (ll.llama_token_data * 1)(ll.llama_token_data(id=token, logit=0.0, p=0.0))
        alone = ll.llama_token_data_array(data=one, size=1, selected=-1, sorted=False)
        ll.llama_sampler_apply(self._grammar, ctypes.byref(alone))
        return math.isfinite(one[0].logit)

    def _likeliest_allowed(self, at: int) -> int:
        weighed = (ll.llama_token_data * self._size)()
        logits = (ctypes.c_float * self._size).from_address(
            ctypes.addressof(ll.llama_get_logits_ith(self._context, at).contents)
        )
        bytes_of = memoryview(weighed).cast("B")
        bytes_of.cast("i")[0::3] = array("i", range(self._size))  # a token is three words: id, logit, probability
        bytes_of.cast("f")[1::3] = memoryview(logits).cast("B").cast("f")
        all_of = ll.llama_token_data_array(data=weighed, size=self._size, selected=-1, sorted=False)
        ll.llama_sampler_apply(self._strict, ctypes.byref(all_of))
        chosen = weighed[all_of.selected]
        if not math.isfinite(chosen.logit):
            raise CannotAnswer("The model has no token for what the schema wants.")
        return int(chosen.id)


def _chain(steps: list[Any]) -> Any:
    chain = ll.llama_sampler_chain_init(ll.llama_sampler_chain_default_params())
    for step in steps:
        ll.llama_sampler_chain_add(chain, step)
    return chain


def _steps(temperature: float, vocabulary: int) -> list[Any]:
    if temperature <= 0:
        return [ll.llama_sampler_init_greedy()]
    return [
        ll.llama_sampler_init_top_k(TOP_K),
        ll.llama_sampler_init_penalties(vocabulary, RECENT, REPEAT, 0.0, 0.0),
        ll.llama_sampler_init_top_p(TOP_P, 1),
        ll.llama_sampler_init_min_p(MIN_P, 1),
        ll.llama_sampler_init_temp(temperature),
        ll.llama_sampler_init_dist(ANY_SEED),
    ]
