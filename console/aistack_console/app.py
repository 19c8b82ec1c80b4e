"""ConsoleApp: what is wired to what. No rule, no layout and no I/O of its own."""

from __future__ import annotations

import aistack_console.environment  # noqa: F401  (Textual reads its switches when it is imported)

# isort: split

import os
import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from aistack_backend.wire import configfile
from aistack_backend.wire.config import Config
from aistack_console import commands, reports, terminal
from aistack_console.inorder import InOrder
from aistack_console.keys import APP_ACTIONS, PLACES, Action, Registry, bindings
from aistack_console.linked import Linked
from aistack_console.operator import key_of
from aistack_console.options import Options
from aistack_console.screens.all import SCREENS
from aistack_console.screens.base import BaseScreen, screens_actions
from aistack_console.sparing import Sparing
from aistack_console.state.store import Store
from aistack_console.themes import DEFAULT, LAST_RESORT, builtin_folder, load_looks

TWICE = 2.0
"""Seconds within which a second Ctrl+C leaves."""
SEVERITY: dict[str, Any] = {"warn": "warning", "bad": "error"}


class ConsoleApp(Sparing, InOrder, Linked):
    """The console over one backend."""

    TITLE = "aistack"
    CSS_PATH = "screens/base.tcss"
    MODES: ClassVar[dict[str, str | Callable[[], Any]]] = dict(SCREENS)
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(APP_ACTIONS),
        Binding("ctrl+c", "ask_quit", show=False, priority=True, system=True),
    ]
    COMMANDS = {commands.ActionProvider}  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = False  # only its fixed key: our registry binds ours

    def __init__(self, options: Options, config: Config, store: Store | None = None) -> None:
        if config.console.start_screen in SCREENS:  # no other screen is made before it
            self.DEFAULT_MODE = config.console.start_screen  # type: ignore[misc]  # Textual reads it from the object
        super().__init__(options, store, key_of(config))
        self.use_command_palette = True
        self.config = config
        self.view_only = options.view_only or config.console.view_only
        self.client.spans.on = not self.view_only  # who only looks tells nothing either
        self.registry = Registry((*APP_ACTIONS, *screens_actions(SCREENS)), config.keys)
        self.set_keymap(self.registry.keymap)
        self.looks = load_looks((builtin_folder(), options.config_file.parent / "themes"))
        for look in self.looks.themes.values():
            self.register_theme(look.theme)
        self._theme_said = self.use_theme(options.theme or config.console.theme)
        self.mouse_taken = config.console.mouse
        self._last_place, self._asked_quit = "overview", 0.0

    def on_load(self) -> None:
        """Watch the terminal before anything is drawn on it: it may go as soon as it shows something."""
        terminal.watch(self)

    def on_mount(self) -> None:
        """Say what was wrong with the themes, then reach for the backend."""
        if said := " ".join(filter(None, (self._theme_said, self.looks.report()))):
            self.say(said, "warn")
        if (wanted := self.config.console.start_screen) not in ("", *SCREENS):
            self.goto(wanted)  # says that there is none
        self.link_up()

    def use_theme(self, name: str) -> str:
        """Draw with the theme of that name; return a sentence when another had to be taken."""
        look, said = self.looks.choose(name or DEFAULT)
        self.theme = look.theme.name if look else LAST_RESORT
        plain_glyphs = self.looks.ascii_glyphs if self.config.console.ascii or not terminal.unicode() else None
        self.set_look(
            colourless=not self.config.console.color or bool(look and look.colourless), ascii_glyphs=plain_glyphs
        )
        return said

    async def action_run(self, action_id: str) -> None:
        """Do the action of a global key on the screen that is shown."""
        if isinstance(self.screen, BaseScreen):
            await self.screen.action_run(action_id)

    def do(self, action: Action, argument: str = "") -> None:
        """Do one of the app's own actions."""
        if action.name in SCREENS:
            self.goto(action.name)
        else:
            terminal.VERBS[action.name](self, argument)

    def goto(self, name: str, argument: str = "") -> None:
        """Show a screen; the argument reaches it once it is there."""
        if name not in SCREENS:
            self.say(f"There is no screen {name} in this version.", "warn")
            return
        if name != self.current_mode:
            self._last_place = self.current_mode
        mounted = self.switch_mode(name)

        async def hand_over() -> None:
            await mounted
            if isinstance(self.screen, BaseScreen):
                self.screen.receive(argument)

        if argument:
            self.run_worker(hand_over(), group="goto", exclusive=True)

    def back(self) -> None:
        """Show the screen that was shown before."""
        self.goto(self._last_place)

    def command(self, text: str) -> None:
        """Do what a ``:`` line says."""
        scope = self.screen.NAME if isinstance(self.screen, BaseScreen) else ""
        asked = commands.interpret(text, self.registry, PLACES, scope)
        if asked.problem:
            self.say(asked.problem, "warn")
        elif asked.place:
            self.goto(asked.place, asked.argument)
        elif asked.action and isinstance(self.screen, BaseScreen):
            self.call_later(self.screen.action_run, asked.action, asked.argument)

    def say(self, sentence: str, tone: str = "plain") -> None:
        """Show a short notice."""
        self.notify(sentence, severity=SEVERITY.get(tone, "information"), timeout=6)

    def action_ask_quit(self) -> None:
        """Leave when Ctrl+C comes twice."""
        now, before = time.monotonic(), self._asked_quit
        self._asked_quit = now
        if now - before <= TWICE:
            self.exit(0)
        else:
            self.say("Press Ctrl+C again to leave; the backend goes on.")


def run(options: Options) -> int:
    """Open the console and return the exit code when the operator leaves.

    Raises:
        ValueError: the config file or the socket path cannot be used; the sentence says where and why.
        ConsoleError: the key map cannot be used.
    """
    config = configfile.load(options.config_file, os.environ).config
    app = ConsoleApp(options, config)
    reports.ignore()
    return app.run(mouse=config.console.mouse) or app.return_code or 0
