"""Judging an answer of the chat, by which the stack learns."""

from __future__ import annotations

from aistack_backend.wire.chat import Role
from aistack_backend.wire.routing import FeedbackRequest
from aistack_console.errors import ConsoleError
from aistack_console.screens.chat_base import ChatBase
from aistack_console.widgets.turn import Turn


class JudgeScreen(ChatBase):
    """Says of the chosen answer, or of the last one, whether it was good."""

    def judged_turn(self) -> Turn | None:
        """Return the answer that would be judged; None = there is none that ended."""
        answers = [turn for turn in self.talk.turns if turn.message.role is Role.ASSISTANT]
        chosen = self.talk.chosen
        found = chosen if chosen in answers else answers[-1] if answers else None
        return found if found is not None and found.message.interaction_id else None

    async def do_good(self) -> None:
        """Judge it good."""
        await self._judge("good")

    async def do_bad(self) -> None:
        """Judge it bad."""
        await self._judge("bad")

    async def _judge(self, verdict: str) -> None:
        if (turn := self.judged_turn()) is None:
            return
        try:
            number = turn.message.interaction_id
            await self.console.client.judge_route(FeedbackRequest(interaction_id=number, verdict=verdict))
            found = await self.console.client.chat(self.session_id, self.talk.last_id or None)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
            return
        self.talk.learn(found.messages)
        self.repaint()
