"""A contender that is a library, in a process of its own: ``locked SITE MODEL CONTEXT THREADS`` or
``xllamacpp SITE MODEL CONTEXT THREADS SOCKET``."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from typing import Any


def main(kind: str, site: str, *rest: str) -> None:
    """Serve until the input ends, or for ever."""
    orders, out = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.append(site)
    if kind == "locked":
        _locked(orders, out, rest[0], int(rest[1]), int(rest[2]))
    else:
        _xllamacpp(rest[0], int(rest[1]), int(rest[2]), rest[3])


def _locked(orders: Any, out: Any, model: str, context: int, threads: int) -> None:
    made = importlib.import_module("llama_cpp").Llama(
        model, n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False
    )
    one, writing = threading.Lock(), threading.Lock()

    def say(**words: int) -> None:
        with writing:
            out.write(json.dumps(words) + "\n")
            out.flush()

    def answer(order: dict[str, Any]) -> None:
        with one:
            count = 0
            turns = [{"role": "user", "content": order["prompt"]}]
            for part in made.create_chat_completion(
                turns, max_tokens=order["tokens"], temperature=0, repeat_penalty=1.0, stream=True
            ):
                if part["choices"][0]["delta"].get("content"):
                    count += 1
                    if count == 1:
                        say(id=order["id"])
            say(id=order["id"], tokens=count)

    say(ready=1)
    for line in orders:
        threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()


def _xllamacpp(model: str, context: int, threads: int, socket: str) -> None:
    library = importlib.import_module("xllamacpp")
    wish = library.CommonParams()
    wish.model.path = model
    wish.hostnames = [socket]
    wish.n_ctx, wish.n_parallel, wish.n_gpu_layers = context * 4, 8, 0
    wish.kv_unified = True
    wish.cpuparams.n_threads = wish.cpuparams_batch.n_threads = threads
    kept = library.Server(wish)
    signal.pause()
    del kept


if __name__ == "__main__":
    main(*sys.argv[1:])
