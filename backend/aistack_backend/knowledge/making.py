"""Make the vectors of a document's pieces, as far as a model can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aistack_backend.errors import BadInput, Conflict, Unavailable
from aistack_backend.inference.models import Embeddings
from aistack_backend.knowledge.port import Embeds
from aistack_backend.knowledge.vectors import packed

BATCH = 64
"""Texts that are embedded at a time."""


@dataclass
class Made:
    """Vectors of pieces, in their order."""

    vectors: list[bytes | None] = field(default_factory=list)
    model: str = ""
    dimensions: int | None = None
    detail: str = ""
    """Which have none, and why."""

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(vector is not None for vector in self.vectors)

    def take(self, part: Embeddings) -> None:
        """Add the vectors of some texts.

        Raises:
            Conflict: they are of another model than those before.
        """
        if self.model and part.model != self.model:
            raise Conflict(f"The embedding model changed from {self.model} to {part.model} meanwhile.", "Do it again.")
        self.model, self.dimensions = part.model, part.dimensions
        self.vectors += [packed(vector) for vector in part.vectors]


async def made_of(embeds: Embeds, texts: Sequence[str]) -> Made:
    """Embed texts. A text that is too dense for the model goes without a vector, and all of them do where no model is.

    Raises:
        Conflict: the model changed in between.
    """
    made, refused = Made(), 0
    try:
        for at in range(0, len(texts), BATCH):
            batch = texts[at : at + BATCH]
            try:
                made.take(await embeds.embed(batch))
            except BadInput:  # one of them has too many tokens for the model
                for text in batch:
                    try:
                        made.take(await embeds.embed([text]))
                    except BadInput:
                        made.vectors.append(None)
                        refused += 1
    except Unavailable as error:
        return Made([None] * len(texts), detail=f"It is found by words only: {error.detail}")
    if refused:
        made.detail = f"{refused} of {len(texts)} pieces are found by words only: they are too dense for the model."
    return made
