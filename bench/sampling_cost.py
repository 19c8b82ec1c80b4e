"""A child process that decodes as the worker does and times the choice of each token: ``SITE MODEL``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

sys.path.append(sys.argv[1])

from aistack_backend.inference.batching import Batching
from aistack_backend.inference.grammar import compile_schema
from aistack_backend.inference.llama import LoadedModel
from aistack_backend.inference.orders import compute_threads
from aistack_backend.inference.protocol import Do, Order

TOKENS = 64
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "text": {"type": "string"},
            "tags": {"type": "array", "maxItems": 5},
        },
        "required": ["title", "text", "tags"],
    }
)


class Timed:
    """A sampler that adds up what its choices cost in processor time of this thread."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.spent, self.calls = 0.0, 0
        self.close: Callable[[], None] = inner.close

    def sample(self, at: int) -> int:
        """Choose, timed."""
        began = time.thread_time()
        token: int = self._inner.sample(at)
        self.spent += time.thread_time() - began
        self.calls += 1
        return token


def main() -> None:
    """Answer once for each way to choose; print the seconds a token."""
    load = Order(do=Do.LOAD, path=sys.argv[2], context=1024, cells=2048, threads=compute_threads())
    model = LoadedModel(load, 2, lambda: False, lambda _: None)
    inner, timed = model.sampler, list[Timed]()

    def made(temperature: float, rules: str) -> Timed:
        timed.append(Timed(inner(temperature, rules)))
        return timed[-1]

    model.sampler = made  # type: ignore[assignment, method-assign]
    found = {}
    ways = (
        ("the likeliest", 0.0, ""),
        ("at temperature 0.8", 0.8, ""),
        ("within a schema", 0.0, compile_schema(SCHEMA)),
    )
    for name, temperature, within in ways:
        batching = Batching(model, lambda _: False)
        turns = (("user", "Write a note about ships, as JSON with a title, a long text and tags."),)
        order = Order(do=Do.SAY, id=1, turns=turns, max_tokens=TOKENS, temperature=temperature, grammar=within)
        batching.add(order)
        while not batching.idle:
            list(batching.step())
        found[name] = timed[-1].spent / max(timed[-1].calls, 1)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
