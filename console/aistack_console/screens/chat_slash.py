"""What the chat's commands do, typed with a slash or by their keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aistack_backend.wire.chat import Role
from aistack_backend.wire.models import ModelStatus
from aistack_console.clipboard import copy
from aistack_console.errors import ConsoleError
from aistack_console.present import slash
from aistack_console.present.exported import FORMATS, exported
from aistack_console.present.para import para
from aistack_console.present.units import many
from aistack_console.saving import save_as, save_lines
from aistack_console.screens.chat_answer import BUSY, AnswerScreen
from aistack_console.widgets.note import Note
from aistack_console.widgets.pick import Pick
from aistack_console.widgets.question import Question
from aistack_console.widgets.turn import Turn

KEYS = {"new": "new", "again": "again", "edit": "edit", "copy": "code", "delete": "delete"}
"""Commands that do what a key of the screen does, by the action's name."""
SENDS = frozenset({"do", "ask", "rename", "persona", "model"})
"""Commands that change something."""


class SlashScreen(AnswerScreen):
    """Commands with a slash, export, personas."""

    async def command(self, typed: slash.Typed) -> None:
        """Do what a command says, or say why not."""
        if typed.why:
            self.console.say(typed.why, "warn")
        elif typed.name in KEYS:
            await self.action_run(f"chat.{KEYS[typed.name]}")
        elif why := self._why_not(typed.name):
            self.console.say(why, "warn")
        else:
            await getattr(self, f"_slash_{typed.name}")(typed.rest)

    def _why_not(self, name: str) -> str:
        """Return why a command cannot be done; empty = it can."""
        action = self.console.registry.get(f"chat.{name}")
        return (self._off() if name in SENDS else "") or (self.why_not(action) if action is not None else "")

    def _off(self) -> str:
        send = self.console.registry.get("chat.send")
        return self.reason(send) if send else ""

    async def _slash_help(self, _: str) -> None:
        await self.talk.add(Note(slash.help_paras(), classes="note"))

    async def _slash_do(self, goal: str) -> None:
        await self.goal(goal)

    async def _slash_ask(self, question: str) -> None:
        if not question:
            self.do_ask()
        elif self.busy:
            self.console.say(BUSY)
        else:
            await self.say(question, ask=True)

    async def _slash_rename(self, title: str) -> None:
        if not self.session_id:
            self.console.say("This session has not begun.", "warn")
        elif not title:
            self.console.say("Say the new title: /rename the night of the disk", "warn")
        else:
            await self.change(title=title)

    async def _slash_search(self, words: str) -> None:
        self.show_sessions()
        await self.sessions.search(words)

    async def _slash_clear(self, _: str) -> None:
        if self.busy:
            self.console.say(BUSY)
            return
        await self.talk.remove_children()
        self.repaint()

    async def _slash_persona(self, name: str) -> None:
        if not name:
            self.do_persona()
        else:
            await self._become(name)

    async def _slash_model(self, card_id: str) -> None:
        model: ModelStatus | None = self.store.model
        if not card_id:
            self.do_models()
        elif not any(card.id == card_id and card.path for card in (model.cards if model else ())):
            self.console.say(f"No model {card_id} is on this machine; M shows what is here or offered.", "warn")
        else:
            try:
                await self.console.client.use_model(card_id)
            except ConsoleError as error:
                self.console.say(error.sentence, "bad")

    async def _slash_export(self, rest: str) -> None:
        form, _, file = rest.partition(" ")
        if form and form not in FORMATS:
            form, file = ("json" if rest.endswith(".json") else "md"), rest
        await self.export(form or "md", file.strip())

    async def export(self, form: str, file: str = "") -> None:
        """Write the shown branch of this session into a new file and say where it lies."""
        if not self.session_id:
            self.console.say("This session has not begun.", "warn")
            return
        try:
            found = await self.console.client.chat(self.session_id, self.talk.last_id or None)
            text = exported(found, form)
            if file:
                path = await asyncio.to_thread(save_as, Path(file), text)
            else:
                folder = self.console.options.data_dir / "saved"
                path = await asyncio.to_thread(save_lines, folder, "chat", text.split("\n"), form)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"{many(len(found.messages), 'message')} saved to {path}.")

    async def do_save(self) -> None:
        """Write this session into a Markdown file in the data directory."""
        await self.export("md")

    def do_ask(self) -> None:
        """Let the answers read the stack from now on, or no longer."""
        self.asks = not self.asks
        self.repaint()

    def do_persona(self) -> None:
        """Choose who answers."""
        found = self.personas.personas if self.personas else ()
        if not found:
            self.console.say("The backend tells of no personas.", "warn")
            return

        def picked(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._become(name), group="sessions", exit_on_error=False)

        now = self.persona or found[0].name
        self.app.push_screen(Pick("Who answers", [(one.name, one.system) for one in found], now), picked)

    async def _become(self, name: str) -> None:
        known = [one.name for one in self.personas.personas] if self.personas else []
        if name not in known:
            self.console.say(f"There is no persona {name}; there are {', '.join(known) or 'none'}.", "warn")
            return
        self.persona = "" if name == known[0] else name
        if self.session_id:
            await self.change(persona=self.persona)
        self.repaint()

    def do_code(self) -> None:
        """Copy the last block of code of the chosen answer, else the newest one."""
        turns: list[Turn] = [turn for turn in self.talk.turns if turn.message.role is Role.ASSISTANT and turn.code]
        chosen = self.talk.chosen
        one = chosen if chosen in turns else turns[-1] if turns else None
        if one is None:
            self.console.say("No answer here has a block of code.", "warn")
        else:
            copy(self.app, one.code[-1].text)

    def do_delete(self) -> None:
        """Delete the session under the list's cursor, else the open one, after one confirming key."""
        sessions = self.sessions
        chosen = sessions.under_cursor if sessions.table.has_focus else sessions.get(self.session_id)
        session = chosen.id if chosen else self.session_id
        name = chosen.title if chosen else self.session_title()

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self.delete(session), group="sessions", exclusive=True, exit_on_error=False)

        known = (para("Its messages, in all branches, are removed from the backend. There is no undo."),)
        self.app.push_screen(Question(f"Delete {name}?", known), answered)

    def do_knowledge(self) -> None:
        """Go to the documents."""
        self.console.goto("knowledge")

    def do_models(self) -> None:
        """Go to the models."""
        self.console.goto("models")

    def do_routes(self) -> None:
        """Go to the routes."""
        self.console.goto("routes")

    def show_sessions(self) -> None:
        """Show the list of sessions and go to it."""
        self.add_class("-sessions")
        self.set_focus(self.sessions.table)
