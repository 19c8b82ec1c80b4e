"""What every endpoint does for our transport, whoever made it: one suite, run against each of them."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

import pytest
from tests.bed.far_world import ASK, collected, transport

from aistack_backend.errors import BackendError
from aistack_backend.inference.providers.models import Ask
from aistack_backend.inference.providers.transport import Transport
from aistack_backend.wire.chat import Finish

NOTHING = Ask(turns=())


@dataclass(frozen=True)
class Spot:
    """Where one is, and what is known of it."""

    url: str
    model: str
    key_file: str = ""
    streams_usage: bool = True
    """Its streams tell the tokens."""
    lists: bool = True
    """Its list has the model."""
    refused: Ask = NOTHING
    """What it does not answer."""

    def transport(self) -> Transport:
        """Return what asks it."""
        return transport(self.url, model=self.model, key_file=self.key_file)


class ProviderContract:
    """Each subclass gives a fixture ``spot``."""

    async def test_its_models_are_listed(self, spot: Spot) -> None:
        assert (spot.model in await spot.transport().models()) is spot.lists

    async def test_a_stream_is_the_whole_answer_in_pieces(self, spot: Spot) -> None:
        asked = spot.transport()
        text, last = await collected(asked)
        whole = await asked.whole(ASK)
        assert text
        assert whole.text.strip() == text.strip(), "the temperature is 0"
        assert whole.tokens is not None
        assert last.tokens == whole.tokens or (last.tokens is None and not spot.streams_usage)
        assert last.first_after is not None
        assert last.first_after > 0

    async def test_the_limit_of_tokens_holds(self, spot: Spot) -> None:
        whole = await spot.transport().whole(Ask(turns=ASK.turns, max_tokens=3, temperature=0.0))
        assert whole.finish is Finish.LENGTH
        assert whole.tokens is not None
        assert whole.tokens.written <= 3

    async def test_who_leaves_in_the_middle_can_ask_again(self, spot: Spot) -> None:
        asked = spot.transport()
        for _ in range(3):
            async with aclosing(asked.stream(ASK)) as parts:
                async for part in parts:
                    if part.text:
                        break
        text, _ = await collected(asked)
        assert text

    async def test_what_it_refuses_is_told_in_one_sentence(self, spot: Spot) -> None:
        with pytest.raises(BackendError) as raised:
            await spot.transport().whole(spot.refused)
        assert raised.value.detail.startswith(spot.url.split("/")[2])
        assert raised.value.detail.isprintable()
