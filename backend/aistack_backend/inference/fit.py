"""What fits into the memory that is free: a context for answers, and the model of vectors."""

from __future__ import annotations

from aistack_backend.errors import Unavailable
from aistack_backend.inference.gguf import Header

MEMORY_SHARE = 0.25
"""Of the memory that is free now, for keys and values at most."""
SMALLEST = 512
"""A context below this is refused rather than made."""
SLOTS = 4
"""Answers that memory is planned for."""


def fit_context(header: Header, wished: int, free: int) -> tuple[int, int]:
    """Return how many tokens one request may fill, and how many all together. One: at most what is wished, what the
    model was trained for, what memory allows. Together: a full one for each slot, as far as memory allows.

    Raises:
        Unavailable: not even the weights and a small context fit into ``free`` bytes.
    """
    fit_smallest(header, free)
    by_memory = int(free * MEMORY_SHARE) // max(header.kv_bytes_per_token, 1)
    fitted = min(wished, header.context_train or wished, by_memory)
    context = max(SMALLEST, fitted // 256 * 256)
    return context, max(context, min(SLOTS * context, by_memory) // 256 * 256)


def fit_smallest(header: Header, free: int) -> None:
    """Say no to a model that cannot even be run with a small context.

    Raises:
        Unavailable: its weights and a small context do not fit into ``free`` bytes.
    """
    need = header.memory(SMALLEST)
    if need > free:
        raise Unavailable(
            f"{header.name} needs about {need // 1_000_000} MB of memory and {free // 1_000_000} MB are free.",
            "Free memory, or choose a smaller model.",
        )
