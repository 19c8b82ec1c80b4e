"""Answers of the chat as interactions (``source`` is ``chat``): kept when they ended, found again by their message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from aistack_backend.inference.noted import Ended
from aistack_backend.learning.models import Interaction
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.store.telemetry_tables import telemetry

SOURCE, EVENT = "chat", "answered"
MESSAGE = "message:"


@dataclass(frozen=True, slots=True)
class Kept:
    """What telemetry has of a message."""

    interaction: int
    verdict: str
    """Empty = nobody judged it."""


class Chatted:
    """See ``inference.noted.Notes``. Nothing of a chat is ever trained on: nobody is asked for consent there."""

    def __init__(self, held: Telemetry, classify: Callable[[str], str]) -> None:
        """``classify`` returns the kind of a question."""
        self._telemetry, self._classify = held, classify

    def ended(self, one: Ended) -> None:
        """See ``Notes``."""
        self._telemetry.record(
            Interaction(
                source=SOURCE,
                event=EVENT,
                subject=f"{MESSAGE}{one.message_id}",
                session=_name(one.session_id),
                query=one.question,
                answer=one.answer,
                task_class=self._classify(one.question),
                route=one.route,
                model=one.model,
                latency=one.seconds,
                tokens_in=one.tokens_in,
                tokens_out=one.tokens_out,
                sources=one.cites,
                ok=True,
                with_context=not one.alone,
            )
        )

    def forget(self, session_id: int) -> None:
        """See ``Notes``. What was measured and judged stays, without a word of the chat; it teaches nothing more."""
        self._telemetry.blank(_of(session_id))

    def of(self, session_id: int) -> dict[int, Kept]:
        """Return what is kept of a chat's newest answers, by the number of their message."""
        found = self._telemetry.find(_of(session_id))
        return {
            int(one.interaction.subject.removeprefix(MESSAGE)): Kept(one.id, one.verdict.value if one.verdict else "")
            for one in found
        }


def _name(session_id: int) -> str:
    return f"chat:{session_id}"


def _of(session_id: int) -> ColumnElement[bool]:
    return (telemetry.c.session == _name(session_id)) & (telemetry.c.source == SOURCE)
