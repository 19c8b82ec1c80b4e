"""The app's own verbs, and its manners towards the terminal: signals, a closed terminal, the mouse."""

from __future__ import annotations

import asyncio
import locale
import select
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.widget import Widget

from aistack_console.commands import words
from aistack_console.keys import PLACES
from aistack_console.present.words import word_of
from aistack_console.screens.base import BaseScreen

if TYPE_CHECKING:
    from aistack_console.app import ConsoleApp

LOOK_EVERY = 0.5
"""Seconds between two looks whether the terminal is still there (R5.8)."""


def unicode() -> bool:
    """Tell whether the terminal's character set can show box and block characters."""
    return locale.getpreferredencoding(False).replace("-", "").lower() == "utf8"


def watch(app: ConsoleApp) -> None:
    """Leave in order, with the terminal restored, on SIGTERM, SIGHUP and SIGINT, and when the terminal is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, app.exit, 128 + number)
    if not app.is_headless and sys.__stdin__ is not None and sys.__stdin__.isatty():
        gone = select.poll()
        gone.register(sys.__stdin__.fileno(), 0)  # reports only that the other end hung up

        def look() -> None:
            if gone.poll(0):
                app.exit(128 + signal.SIGHUP)

        app.set_interval(LOOK_EVERY, look)


def _needs(app: ConsoleApp, _: str) -> None:
    if app.store.pending:
        app.goto("approvals", "next")
        return
    bad = [one for one in app.store.fleet.containers if word_of(one).word == "BAD"] if app.store.fleet else []
    if bad:
        app.goto("services", bad[0].name)
    else:
        app.say("Nothing needs you now." if app.store.approvals else "The queue has not been measured yet.")


def _command(app: ConsoleApp, _: str) -> None:
    if isinstance(app.screen, BaseScreen):
        app.screen.open_entry("command", "", words(app.registry, PLACES, app.screen.NAME))


def _mouse(app: ConsoleApp, _: str) -> None:
    driver = app._driver
    if driver is None or app.is_headless:
        return
    taken = app.mouse_taken
    getattr(driver, "_disable_mouse_support" if taken else "_enable_mouse_support")()
    app.mouse_taken = not taken
    app.say("The terminal has the mouse: select text with it." if taken else "The console has the mouse.")


def _theme(app: ConsoleApp, argument: str) -> None:
    if not argument:
        app.say(f"Themes: {', '.join(sorted(app.looks.themes))}. Say :theme NAME.")
    elif said := app.use_theme(argument):
        app.say(said, "warn")


def _redraw(app: ConsoleApp, _: str) -> None:
    app.refresh(layout=True)
    for widget in app.screen.walk_children(Widget):
        widget.refresh()


def _zoom(app: ConsoleApp, _: str) -> None:
    if app.screen.maximized is None and app.screen.focused is not None:
        app.screen.maximize(app.screen.focused, container=False)
    else:
        app.screen.minimize()


def _backend(app: ConsoleApp, _: str) -> None:
    app.follow()


def _help(app: ConsoleApp, _: str) -> None:
    from aistack_console.screens.help import open_help

    open_help(app)


VERBS: dict[str, Callable[[ConsoleApp, str], object]] = {
    "needs": _needs,
    "command": _command,
    "palette": lambda app, _: app.action_command_palette(),
    "help": _help,
    "last": lambda app, _: app.back(),
    "redraw": _redraw,
    "zoom": _zoom,
    "mouse": _mouse,
    "theme": _theme,
    "suspend": lambda app, _: app.action_suspend_process(),
    "backend": _backend,
    "quit": lambda app, _: app.exit(0),
}
"""What ``app.NAME`` does; the argument comes from a ``:`` line."""
