"""``keys``: the one action registry, as a list."""

from __future__ import annotations

import os

from aistack_backend.wire.configfile import load
from aistack_console.verbs.context import Context, columns
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print every action with the keys that the config file gives it."""
    from aistack_console.keys import APP_ACTIONS, Registry
    from aistack_console.screens.all import SCREENS
    from aistack_console.screens.base import screens_actions

    chosen = load(context.options.config_file, os.environ).config.keys
    found = Registry((*APP_ACTIONS, *screens_actions(SCREENS)), chosen).all()
    rows = [(one.id, one.shown_key, "changes" if one.mutates else "", one.title) for one in found]
    context.show(found, lambda: columns(("ACTION", "KEY", "", "WHAT IT DOES"), rows))
    return Exit.OK
