"""``eject DIR``: the stack as plain files that need none of us; it needs no backend."""

from __future__ import annotations

import os
from pathlib import Path

from aistack_console.verbs import backend
from aistack_console.verbs.context import Context
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Run ``aistack-backend eject`` in our place, with the manifest that ``--stack`` names."""
    if context.options.stack_file:
        os.environ["AISTACK_STACK"] = context.options.stack_file
    return backend.become(context, "eject", str(Path(context.arguments.dir).expanduser().absolute()))
