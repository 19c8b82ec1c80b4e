"""The app's own verbs, and its manners towards the terminal: signals, a closed terminal, the mouse."""

from __future__ import annotations

import asyncio
import contextlib
import locale
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.widget import Widget

from aistack_backend.wire.actions import Approval, ApprovalState
from aistack_backend.wire.events import Topic
from aistack_console.commands import words
from aistack_console.keys import PLACES
from aistack_console.present.overview import following, needs, place_of
from aistack_console.screens.acting import ActingScreen
from aistack_console.screens.base import BaseScreen

if TYPE_CHECKING:
    from aistack_console.app import ConsoleApp

SETTLED = 0.5
"""Seconds that an approval must wait before the bell rings for it."""
RING_EVERY = 5.0
"""Least seconds between two rings."""
GONE = 2.0
"""Seconds that leaving may take once the terminal is gone (R5.8): there is nothing to restore, nobody to write to."""


def unicode() -> bool:
    """Tell whether the terminal's character set can show box and block characters."""
    return locale.getpreferredencoding(False).replace("-", "").lower() == "utf8"


def watch(app: ConsoleApp) -> None:
    """Ring for new approvals; leave in order, with the terminal restored, when told to or when the terminal is gone."""
    ring(app)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, app.exit, 128 + number)
    if not app.is_headless and sys.__stdin__ is not None:
        threading.Thread(target=_until_gone, args=(app, loop, sys.__stdin__.fileno()), daemon=True).start()


def _until_gone(app: ConsoleApp, loop: asyncio.AbstractEventLoop, terminal: int) -> None:
    """Leave when the other end of the terminal has hung up; by force when Textual's writer waits for it for ever."""
    gone = select.poll()
    gone.register(terminal, 0)  # reports only that the other end hung up
    gone.poll()
    with contextlib.suppress(RuntimeError):  # the loop has ended: we are leaving already
        loop.call_soon_threadsafe(app.exit, 128 + signal.SIGHUP)
    time.sleep(GONE)
    os._exit(128 + signal.SIGHUP)


def _needs(app: ConsoleApp, _: str) -> None:
    """Go to the next thing that needs the operator: after the one under the cursor, round and round."""
    store = app.store
    rows = needs(store.approvals, store.tasks, store.fleet, store.stack, down=store.down, now=store.now())
    if rows:
        app.goto(*place_of(following(rows, _here(app))))
    else:
        app.say("Nothing needs you now." if store.approvals else "The queue has not been measured yet.")


def _here(app: ConsoleApp) -> str:
    """Return the need that the cursor stands on, as the list of needs calls it; empty = none."""
    kinds = {"approvals": "approval", "tasks": "task", "services": "service"}
    screen = app.screen
    chosen = getattr(screen, "chosen", None)
    number = getattr(screen, "here", "") or (chosen.id if chosen is not None else "")
    return f"{kinds.get(getattr(screen, 'NAME', ''), '')}:{number}" if number else ""


def ring(app: ConsoleApp) -> None:
    """Ring the terminal's bell and say so when approvals came that were not there before; one ring for a flood.

    An action of one's own is asked and decided at once: that is no news, so what came must have waited a moment.
    """
    known: set[int] | None = None
    fresh: set[int] = set()
    rung = -RING_EVERY

    def waiting() -> dict[int, Approval]:
        found = app.store.approvals.approvals if app.store.approvals else ()
        return {one.id: one for one in found if one.state is ApprovalState.PENDING}

    def look(topic: Topic) -> None:
        nonlocal known
        if topic is not Topic.APPROVALS or app.store.approvals is None:
            return
        ids = set(waiting())
        new = ids - known if known is not None else set()
        known = (known or set()) | ids
        if new and not fresh:
            app.set_timer(max(SETTLED, rung + RING_EVERY - time.monotonic()), tell)
        fresh.update(new)

    def tell() -> None:
        nonlocal rung
        left = [one for key, one in waiting().items() if key in fresh]
        fresh.clear()
        if not left:
            return
        rung = time.monotonic()
        if app.config.notify.bell:
            app.bell()
        if app.config.notify.osc9:
            osc9(app, f"aistack: approval {left[0].id} ({left[0].risk.value}) waits")
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        if app.current_mode != "approvals":  # there it is in the list already
            app.say(f"Approval {left[0].id} waits: {left[0].title}{more}. J goes there.", "warn")

    app.store.listen(look)


def osc9(app: ConsoleApp, words: str) -> None:
    """Have the terminal show a notification of our own words: nothing that came from outside may be in them."""
    shown = f"\x1b]9;{words}\x07"
    if os.environ.get("TMUX"):  # tmux hands on what is wrapped for it, where allow-passthrough is on
        shown = "\x1bPtmux;" + shown.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if app._driver is not None:
        app._driver.write(shown)
        app._driver.flush()


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
        app.say("+ or Esc brings the rest of the screen back.")
    else:
        app.screen.minimize()


def _backend(app: ConsoleApp, _: str) -> None:
    app.follow()


def _undo(app: ConsoleApp, _: str) -> None:
    """Take the last own action back where that is possible; what it asks goes through the gate like any other."""
    if isinstance(app.screen, ActingScreen):
        app.screen.undo()
    else:
        app.goto("approvals", "undo")


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
    "undo": _undo,
    "log": lambda app, _: app.goto("asked"),
    "suspend": lambda app, _: app.action_suspend_process(),
    "backend": _backend,
    "quit": lambda app, _: app.exit(0),
}
"""What ``app.NAME`` does; the argument comes from a ``:`` line."""
