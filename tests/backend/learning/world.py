"""A small world that is asked and judged: questions with known right answers, and a model of vectors of our own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import HandClock
from aistack_backend.inference.models import Embeddings
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.learning.service import Learning, LearningSettings
from aistack_backend.learning.split import held_out
from aistack_backend.learning.trials import Model
from aistack_backend.store.database import Database

ASKED = Interaction(
    source="coordinator",
    query="Which port does Qdrant use?",
    answer="Qdrant listens on port 6333.",
    task_class="lookup",
    route="remote",
    provider="far",
    latency=2.0,
    cost="0.002",
    currency="USD",
    ok=True,
    consent=True,
)


class Letters:
    """Vectors by the words of a text: the same words in another order are the same, which keys are not."""

    def __init__(self, model: str = "letters") -> None:
        self.model = model

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        return Embeddings(model=self.model, dimensions=64, vectors=tuple(_vector(text) for text in texts), tokens=0)


def _vector(text: str) -> tuple[float, ...]:
    counts = [1e-6] * 64
    for word in text.lower().replace("?", "").split():
        counts[sum(map(ord, word)) % 64] += 1
    length = math.sqrt(sum(one * one for one in counts))
    return tuple(one / length for one in counts)


def learning_on(
    database: Database, clock: HandClock | None = None, model: Model | None = None, *, embeds: Letters | None = None
) -> Learning:
    """Learning over a store, as it is configured by default."""
    return Learning(database, clock or HandClock(), Redactor(b"k" * 32), LearningSettings(), embeds, model)


def told(learning: Learning, times: int, verdict: Verdict | None = Verdict.GOOD, **changes: object) -> list[int]:
    """Ask the same so many times; return the numbers."""
    numbers = []
    for _ in range(times):
        number = learning.telemetry.record(replace(ASKED, **changes))  # type: ignore[arg-type]
        if verdict is not None:
            learning.judge(number, verdict, "operator:tester", "so it is 7" if verdict is Verdict.CORRECTED else "")
        numbers.append(number)
    return numbers


def split(numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return which of these teach, and which are held out."""
    return [one for one in numbers if not held_out(one)], [one for one in numbers if held_out(one)]
