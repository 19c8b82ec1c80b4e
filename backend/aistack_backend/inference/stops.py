"""Texts that end an answer: what comes before the first of them is kept, they and the rest are not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from aistack_backend.inference.models import Piece
from aistack_backend.wire.chat import Finish


async def stopped(pieces: AsyncGenerator[Piece, None], stops: Sequence[str]) -> AsyncGenerator[Piece, None]:
    """Yield the pieces until one of ``stops`` has come, then close their source. What may be the beginning of one is
    held back until it is clear."""
    wanted, held = [stop for stop in stops if stop], ""
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.ahead is not None:
                yield piece
                continue
            text = held + piece.text
            ends = [at for stop in wanted if (at := text.find(stop)) >= 0]
            if ends:
                yield replace(piece, text=text[: min(ends)], finish=Finish.STOP)
                return
            keep = 0 if piece.finish else _begun(text, wanted)
            held = text[len(text) - keep :]
            yield replace(piece, text=text[: len(text) - keep])


def _begun(text: str, stops: Sequence[str]) -> int:
    """How many of the last characters may be the beginning of one."""
    lengths = (n for stop in stops for n in range(min(len(stop) - 1, len(text)), 0, -1) if stop.startswith(text[-n:]))
    return max(lengths, default=0)
