"""``config explain``: every setting, its value and its origin."""

from __future__ import annotations

import os

from aistack_backend.wire.configfile import load
from aistack_console.verbs.context import Context, columns
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print the settings as both sides read them.

    Raises:
        ValueError: the file or a variable cannot be used; the sentence says where and what would be right.
    """
    loaded = load(context.options.config_file, os.environ)
    rows = [(row.key, row.value, row.source, row.doc) for row in loaded.rows]
    context.show(loaded, lambda: f"{loaded.file}\n\n" + columns(("KEY", "VALUE", "FROM", "WHAT IT DOES"), rows))
    return Exit.OK
