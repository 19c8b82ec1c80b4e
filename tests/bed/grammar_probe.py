"""A child process that asks llama.cpp: does it take this grammar, and does the grammar take this text to its end?

One JSON object a line in, ``{"grammar": …, "text": …}``; one out, ``{"made": bool, "taken": bool}``. It only loads the
vocabulary of the model. Run with the folder of the engine and the model's path.
"""

from __future__ import annotations

import ctypes
import json
import math
import sys
from typing import Any

sys.path.append(sys.argv[1])

import llama_cpp.llama_cpp as ll


def main() -> None:
    """Answer until the input ends."""
    ll.llama_backend_init()
    wish = ll.llama_model_default_params()
    wish.vocab_only = True
    model: Any = ll.llama_model_load_from_file(sys.argv[2].encode(), wish)
    vocab: Any = ll.llama_model_get_vocab(model)
    for line in sys.stdin:
        asked = json.loads(line)
        sampler: Any = ll.llama_sampler_init_grammar(vocab, asked["grammar"].encode(), b"root")
        taken = bool(sampler) and all(_allowed(sampler, token) for token in _tokens(vocab, asked["text"].encode()))
        taken = taken and _weighed(sampler, int(ll.llama_vocab_eos(vocab)))
        sys.stdout.write(json.dumps({"made": bool(sampler), "taken": taken}) + "\n")
        sys.stdout.flush()
        if sampler:
            ll.llama_sampler_free(sampler)


def _tokens(vocab: Any, text: bytes) -> list[int]:
    room = (ll.llama_token * (len(text) + 8))()
    count = ll.llama_tokenize(vocab, text, len(text), room, len(room), False, False)
    return list(room[:count])


def _allowed(sampler: Any, token: int) -> bool:
    if not _weighed(sampler, token):
        return False
    ll.llama_sampler_accept(sampler, token)
    return True


def _weighed(sampler: Any, token: int) -> bool:
    one = (ll.llama_token_data * 1)(ll.llama_token_data(id=token, logit=0.0, p=0.0))
    array = ll.llama_token_data_array(data=one, size=1, selected=-1, sorted=False)
    ll.llama_sampler_apply(sampler, ctypes.byref(array))
    return math.isfinite(one[0].logit)


if __name__ == "__main__":
    main()
