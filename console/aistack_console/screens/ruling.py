"""Rules from the queue: rehearse one like the chosen request and make it, list them, revoke one (R1.11)."""

from __future__ import annotations

from textual import work

from aistack_backend.wire.actions import Approval
from aistack_backend.wire.rules import RuleRequest
from aistack_console.errors import ConsoleError
from aistack_console.present.rules import allows, rehearsal
from aistack_console.screens.acting import ActingScreen
from aistack_console.widgets.question import Question
from aistack_console.widgets.rules_dialog import RulesDialog

HELD = 3600.0
"""Seconds that a rule made on the screen holds; the verb takes others."""


class RulingScreen(ActingScreen):
    """A screen from which rules are made and revoked."""

    @work(group="rules")
    async def allow_like(self, one: Approval) -> None:
        """Show what a rule like this request, in its task and for an hour, would have let through; make it on a yes."""
        client = self.console.client
        wish = RuleRequest(approval_id=one.id, action_hash=one.action_hash, seconds=HELD)
        try:
            found = await client.rehearse_rule(wish)
            title = "It cannot be made" if found.never else "Allow this unasked, in this task, for an hour?"
            if await self.app.push_screen_wait(Question(title, rehearsal(found))) and not found.never:
                made = await client.make_rule(
                    RuleRequest(
                        approval_id=one.id, action_hash=one.action_hash, seconds=HELD, rehearsed=found.rehearsed
                    )
                )
                self.console.say(f"Rule {made.id} allows {allows(made)}. This request still waits for you.")
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")

    @work(group="rules")
    async def show_rules(self) -> None:
        """List the rules; revoke the one that is chosen."""
        try:
            found = await self.console.client.rules()
            dialog = RulesDialog(found, self.store.now(), self.cannot_decide())
            if (number := await self.app.push_screen_wait(dialog)) is not None:
                gone = await self.console.client.revoke_rule(number)
                self.console.say(f"Rule {gone.id} is {gone.ended}.")
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
